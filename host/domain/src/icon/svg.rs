//! SVG: read as XML and written anew from a list of shapes and their looks. What acts, reaches outside or multiplies is
//! refused by name; what only editors need is left out.

use quick_xml::{
    Reader,
    escape::unescape,
    events::{BytesStart, Event},
};
use std::{collections::BTreeMap, fmt::Write as _};

const NAMESPACE: &str = "http://www.w3.org/2000/svg";
const ELEMENTS_MAX: usize = 2_000;
const DEPTH_MAX: usize = 32;
/// Most units of a side of the view.
const VIEW_MAX: f64 = 10_000.0;

/// Elements that are drawn.
const ELEMENTS: [&str; 18] = [
    "svg",
    "g",
    "defs",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
    "title",
];
/// Elements that are left out with all that is in them.
const LEFT_OUT: [&str; 2] = ["metadata", "desc"];
/// Elements whose text is shown.
const WITH_TEXT: [&str; 3] = ["text", "tspan", "title"];
/// Attributes that say where and how something is drawn.
const ATTRIBUTES: [&str; 68] = [
    "id",
    "d",
    "x",
    "y",
    "x1",
    "y1",
    "x2",
    "y2",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "fx",
    "fy",
    "fr",
    "dx",
    "dy",
    "rotate",
    "width",
    "height",
    "points",
    "transform",
    "viewBox",
    "preserveAspectRatio",
    "offset",
    "gradientUnits",
    "gradientTransform",
    "spreadMethod",
    "clipPathUnits",
    "maskUnits",
    "maskContentUnits",
    "pathLength",
    "textLength",
    "lengthAdjust",
    "fill",
    "fill-opacity",
    "fill-rule",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-dasharray",
    "stroke-dashoffset",
    "opacity",
    "color",
    "stop-color",
    "stop-opacity",
    "clip-path",
    "clip-rule",
    "mask",
    "mask-type",
    "display",
    "visibility",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "letter-spacing",
    "word-spacing",
    "text-anchor",
    "text-decoration",
    "dominant-baseline",
    "vector-effect",
    "shape-rendering",
    "paint-order",
];

/// Checks a drawing; answers it as it may be shown.
pub(super) fn read(text: &str) -> Result<String, String> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut drawing = Drawing::default();
    loop {
        let event = reader.read_event().map_err(|error| format!("is no XML: {error}"))?;
        match event {
            Event::Start(element) => drawing.open(&element, false)?,
            Event::Empty(element) => drawing.open(&element, true)?,
            Event::End(_) => drawing.close(),
            Event::Text(text) => drawing.text(std::str::from_utf8(&text).unwrap_or_default())?,
            Event::CData(text) => {
                let plain = quick_xml::escape::escape(std::str::from_utf8(&text).unwrap_or_default()).into_owned();
                drawing.text(&plain)?;
            }
            Event::GeneralRef(name) => drawing.text(&format!("&{};", std::str::from_utf8(&name).unwrap_or_default()))?,
            // With brackets it declares entities, which could be anything.
            Event::DocType(text) if text.contains(&b'[') => {
                return Err("declares entities (`<!DOCTYPE … [`), which is not allowed".to_owned());
            }
            Event::DocType(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return drawing.finish(),
        }
    }
}

#[derive(Default)]
struct Drawing {
    out: String,
    /// Names of the open elements.
    open: Vec<&'static str>,
    /// Open elements that are left out, the outermost one counted too.
    left_out: usize,
    elements: usize,
    is_done: bool,
}

impl Drawing {
    fn open(&mut self, element: &BytesStart<'_>, is_empty: bool) -> Result<(), String> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX || self.open.len() + self.left_out >= DEPTH_MAX {
            return Err(format!("has more than {ELEMENTS_MAX} elements, or more than {DEPTH_MAX} within each other"));
        }
        if self.left_out > 0 {
            self.left_out += usize::from(!is_empty);
            return Ok(());
        }
        let name = std::str::from_utf8(element.name().0).map_err(|_| "has a name that is not UTF-8")?.to_owned();
        if self.open.is_empty() && (name != "svg" || self.is_done) {
            return Err(format!("has `{}` outermost, expected one `svg`", shown(&name)));
        }
        if name.contains(':') || LEFT_OUT.contains(&name.as_str()) {
            self.left_out += usize::from(!is_empty);
            return Ok(());
        }
        let Some(name) = ELEMENTS.iter().copied().find(|known| *known == name) else {
            return Err(format!("has the element `{}`, which icons may not have; draw with {}", shown(&name), ELEMENTS.join(", ")));
        };
        let attributes = attributes(name, element)?;
        let is_root = self.open.is_empty();
        let _ = write!(self.out, "<{name}");
        if is_root {
            self.root(element, &attributes)?;
        }
        for (attribute, value) in &attributes {
            let is_size = is_root && matches!(attribute.as_str(), "viewBox" | "width" | "height" | "x" | "y");
            if !is_size {
                let _ = write!(self.out, " {attribute}=\"{}\"", quick_xml::escape::escape(value.as_str()));
            }
        }
        if is_empty {
            self.out.push_str("/>");
            self.is_done |= is_root;
        } else {
            self.out.push('>');
            self.open.push(name);
        }
        Ok(())
    }

    /// Namespace and view of the outermost element.
    fn root(&mut self, element: &BytesStart<'_>, attributes: &BTreeMap<String, String>) -> Result<(), String> {
        let namespace = element.attributes().flatten().find(|attribute| attribute.key.0 == b"xmlns");
        if namespace.is_none_or(|namespace| namespace.value.as_ref() != NAMESPACE.as_bytes()) {
            return Err(format!("its `svg` is not that of SVG; expected xmlns=\"{NAMESPACE}\""));
        }
        let side = |text: &str| text.trim().trim_end_matches("px").parse::<f64>().ok();
        let view: Vec<f64> = match attributes.get("viewBox") {
            Some(view) => view.split([' ', ',', '\t', '\n']).filter(|part| !part.is_empty()).filter_map(side).collect(),
            None => [Some(0.0), Some(0.0)].into_iter().chain(["width", "height"].map(|s| side(attributes.get(s)?))).flatten().collect(),
        };
        let [x, y, width, height] = view.as_slice() else {
            return Err("has neither a `viewBox` of four numbers nor `width` and `height` in pixels".to_owned());
        };
        let is_sound = |side: &f64| side.is_finite() && *side > 0.0 && *side <= VIEW_MAX;
        if !is_sound(width) || !is_sound(height) || x.abs() > VIEW_MAX || y.abs() > VIEW_MAX {
            return Err(format!("shows {width} × {height} units, expected more than 0 and at most {VIEW_MAX} a side"));
        }
        let _ = write!(self.out, " xmlns=\"{NAMESPACE}\" viewBox=\"{x} {y} {width} {height}\"");
        Ok(())
    }

    fn close(&mut self) {
        if self.left_out > 0 {
            self.left_out -= 1;
        } else if let Some(name) = self.open.pop() {
            let _ = write!(self.out, "</{name}>");
            self.is_done |= self.open.is_empty();
        }
    }

    /// Text as it stands in the file, perhaps with references.
    fn text(&mut self, raw: &str) -> Result<(), String> {
        if self.left_out > 0 || !self.open.last().is_some_and(|name| WITH_TEXT.contains(name)) {
            return Ok(());
        }
        let plain = unescape(raw).map_err(|error| format!("has a text that cannot be read: {error}"))?;
        self.out.push_str(&quick_xml::escape::escape(plain.as_ref()));
        Ok(())
    }

    fn finish(self) -> Result<String, String> {
        if self.is_done && self.open.is_empty() { Ok(self.out) } else { Err("ends before its time".to_owned()) }
    }
}

/// The attributes by which an element is drawn; those of `style` among them, as they win.
fn attributes(element: &str, start: &BytesStart<'_>) -> Result<BTreeMap<String, String>, String> {
    let (mut kept, mut styled) = (BTreeMap::new(), BTreeMap::new());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("`{element}` has a wrong attribute: {error}"))?;
        let name = std::str::from_utf8(attribute.key.0).unwrap_or_default();
        let raw = std::str::from_utf8(&attribute.value).unwrap_or_default();
        let value = unescape(raw).map_err(|error| format!("`{name}` of `{element}` cannot be read: {error}"))?.into_owned();
        let lower = name.to_ascii_lowercase();
        if lower.starts_with("on") {
            return Err(format!("`{element}` has `{}`, which would run script", shown(name)));
        }
        match lower.as_str() {
            "href" | "xlink:href" => {
                if !element.ends_with("Gradient") || !is_own(&value) {
                    return Err(format!("`{element}` refers to `{}`; only gradients may, to `#id` of the same file", shown(&value)));
                }
                kept.insert("href".to_owned(), value);
            }
            "style" => {
                for (property, value) in value.split(';').filter_map(|declaration| declaration.split_once(':')) {
                    keep(&mut styled, element, property.trim(), value.trim())?;
                }
            }
            _ => keep(&mut kept, element, name, &value)?,
        }
    }
    kept.extend(styled);
    Ok(kept)
}

/// Keeps an attribute that is known, if its value is plain.
fn keep(kept: &mut BTreeMap<String, String>, element: &str, name: &str, value: &str) -> Result<(), String> {
    if !ATTRIBUTES.contains(&name) {
        return Ok(());
    }
    let lower = value.to_ascii_lowercase();
    let refers = lower.contains("url(") && {
        let inside = lower.trim().strip_prefix("url(").and_then(|rest| rest.split_once(')'));
        inside.is_none_or(|(target, rest)| !is_own(target.trim().trim_matches(['"', '\''])) || rest.contains("url("))
    };
    // A backslash or a comment could hide a word from this check, and from that of a browser not.
    if refers || lower.contains(['\\', '<', '\0']) || lower.contains("/*") || lower.contains("script:") || lower.contains("expression(") {
        return Err(format!(
            "`{name}` of `{element}` is `{}`, expected plain values and references to `#id` of the same file",
            shown(value)
        ));
    }
    kept.insert(name.to_owned(), value.to_owned());
    Ok(())
}

/// Whether a reference is to something in the same file.
fn is_own(target: &str) -> bool {
    target
        .strip_prefix('#')
        .is_some_and(|id| !id.is_empty() && id.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')))
}

fn shown(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
