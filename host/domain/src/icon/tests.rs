use super::*;

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = crc32fast::Hasher::new();
    crc.update(name);
    crc.update(content);
    [&u32::try_from(content.len()).unwrap().to_be_bytes()[..], name, content, &crc.finalize().to_be_bytes()].concat()
}

fn header(width: u32, height: u32, depth: u8, color: u8, interlace: u8) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, color, 0, 0, interlace]].concat()
}

fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    chunk(b"IDAT", &miniz_oxide::deflate::compress_to_vec_zlib(bytes, 6))
}

#[track_caller]
fn refused(bytes: &[u8], expected: &str) {
    let error = Icon::read(bytes).unwrap_err();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_png_is_kept_without_what_does_not_draw_it() {
    let (begin, end) = (chunk(b"IHDR", &header(16, 16, 8, 6, 0)), chunk(b"IEND", b""));
    let pixels = packed(&vec![0; 16 * 65]);
    let text = chunk(b"tEXt", b"Comment\0hello");
    let icon = Icon::read(&png(&[begin.clone(), text, pixels.clone(), end.clone()])).unwrap();
    assert_eq!((icon.format, &icon.bytes), (IconFormat::Png, &png(&[begin, pixels, end.clone()])));
    let interlaced = chunk(b"IHDR", &header(17, 19, 1, 0, 1));
    // Adam7 of 17 × 19: rows × (1 + bytes) of the seven passes.
    let size = 3 * 2 + 3 * 2 + 2 * 2 + 5 * 2 + 5 * 3 + 10 * 2 + 9 * 4;
    Icon::read(&png(&[interlaced, packed(&vec![0; size]), end])).unwrap();
}

#[test]
fn a_png_that_is_not_what_it_says_is_refused() {
    let (begin, end, pixels) = (chunk(b"IHDR", &header(16, 16, 8, 6, 0)), chunk(b"IEND", b""), packed(&vec![0; 16 * 65]));
    let whole = png(&[begin.clone(), pixels.clone(), end.clone()]);
    for cut in 9..whole.len() {
        assert!(Icon::read(&whole[..cut]).is_err(), "{cut}");
    }
    let mut damaged = whole.clone();
    damaged[60] ^= 1;
    refused(&damaged, "is damaged in the part `IDAT`");
    refused(&[whole, vec![0]].concat(), "1 bytes behind its end");
    refused(&png(&[chunk(b"IHDR", &header(4_000, 16, 8, 6, 0)), end.clone()]), "has 4000 × 16 pixels, expected 16 to 512 a side");
    refused(&png(&[chunk(b"IHDR", &header(16, 16, 3, 6, 0)), end.clone()]), "colours of type 6 with 3 bits");
    refused(&png(&[chunk(b"IHDR", &header(16, 16, 8, 3, 0)), packed(&vec![0; 16 * 17]), end.clone()]), "has no palette");
    refused(&png(&[begin.clone(), packed(&vec![0; 16 * 64]), end.clone()]), "has 1024 bytes of pixels, expected 1040");
    refused(&png(&[begin.clone(), packed(&vec![0; 9 << 20]), end.clone()]), "its pixels cannot be read");
    refused(&png(&[begin.clone(), packed(&vec![9; 16 * 65]), end.clone()]), "filtered in no known way");
    refused(&png(&[begin.clone(), pixels.clone(), chunk(b"tEXt", b"x"), pixels, end.clone()]), "do not stand together");
    refused(&png(&[begin, chunk(b"EVIL", b""), end]), "has the part `EVIL`");
    refused(&vec![b'<'; ICON_BYTES_MAX + 1], "expected at most 65536");
    refused(b"GIF89a", "is neither PNG nor SVG");
}

fn svg(inside: &str) -> Vec<u8> {
    format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 24\">{inside}</svg>").into_bytes()
}

#[test]
fn an_svg_is_written_anew_from_what_is_drawn() {
    let given = r##"<?xml version="1.0"?><!-- made by an editor --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:ed="urn:editor" width="32px" height="16" ed:version="1" class="c">
<metadata><rdf/></metadata><ed:view><path d="M0"/></ed:view><title>A &amp; B</title>
<defs><linearGradient id="a"><stop offset="0" style="stop-color: #fff; -ed-x: 1"/></linearGradient></defs>
<path fill="url(#a)" style="fill:none" d="M0 0h1" data-x="1"/></svg>"##;
    let icon = Icon::read(given.as_bytes()).unwrap();
    assert_eq!(icon.format, IconFormat::Svg);
    assert_eq!(
        String::from_utf8(icon.bytes.clone()).unwrap(),
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 16\"><title>A &amp; B</title><defs><linearGradient id=\"a\">\
         <stop offset=\"0\" stop-color=\"#fff\"/></linearGradient></defs><path d=\"M0 0h1\" fill=\"none\"/></svg>"
    );
    assert_eq!(Icon::read(&icon.bytes).unwrap(), icon, "what was written is read as the same");
}

#[test]
fn an_svg_that_acts_reaches_outside_or_grows_is_refused() {
    for (inside, expected) in [
        ("<script>alert(1)</script>", "has the element `script`"),
        ("<SCRIPT/>", "has the element `SCRIPT`"),
        ("<foreignObject/>", "has the element `foreignObject`"),
        ("<style>@import url(x)</style>", "has the element `style`"),
        ("<image href=\"http://x\"/>", "has the element `image`"),
        ("<use href=\"#a\"/>", "has the element `use`"),
        ("<animate attributeName=\"href\"/>", "has the element `animate`"),
        ("<a href=\"javascript:alert(1)\"/>", "has the element `a`"),
        ("<path onload=\"alert(1)\"/>", "`path` has `onload`, which would run script"),
        ("<path ONCLICK=\"x\"/>", "which would run script"),
        ("<path href=\"#a\"/>", "`path` refers to `#a`"),
        ("<linearGradient xlink:href=\"http://x#a\"/>", "refers to `http://x#a`"),
        ("<path fill=\"url(http://x/#a)\"/>", "`fill` of `path` is `url(http://x/#a)`"),
        ("<path fill=\"url(#a) url(http://x)\"/>", "`fill` of `path`"),
        ("<path fill=\"u&#x72;l(//x)\"/>", "`fill` of `path`"),
        ("<path style=\"fill:url(//x)\"/>", "`fill` of `path`"),
        ("<path fill=\"u\\72l(//x)\"/>", "`fill` of `path`"),
        ("<text>&xxe;</text>", "has a text that cannot be read"),
        ("<path d=\"&xxe;\"/>", "`d` of `path` cannot be read"),
        ("<path d=\"1\" d=\"2\"/>", "has a wrong attribute"),
        ("<g>", "is no XML"),
    ] {
        refused(&svg(inside), expected);
    }
    refused(&svg(&"<g>".repeat(40)), "more than 32 within each other");
    refused(&svg(&"<g/>".repeat(2_001)), "more than 2000 elements");
    refused(b"<!DOCTYPE svg [<!ENTITY a \"b\">]><svg/>", "declares entities");
    refused(b"<svg viewBox=\"0 0 1 1\"/>", "is not that of SVG");
    refused(b"<html/>", "has `html` outermost");
    refused(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "has neither a `viewBox`");
    refused(b"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1e9 1\"/>", "units");
    refused(b"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\">", "ends before its time");
    refused(&[svg(""), svg("")].concat(), "outermost");
    refused(b"<", "is no XML");
}
