//! Enough of SQL's expressions to read the cases as they were sent to Flink.

use super::{
    constructor::construct,
    lexer::{Token, tokens},
};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray, new_null_array,
};
use millrace_functions::{
    Columnar, EvaluationContext, Expr, FunctionRegistry, Typed,
    cast::{self, CastTarget},
    coercion::{common_type_of, merged_type},
    expression::arguments,
};
use millrace_model::DataType;
use std::sync::Arc;

pub fn parse(text: &str, columns: &[(String, Typed)], registry: &FunctionRegistry) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, columns, registry };
    let expr = parser.or()?;
    if parser.at < parser.tokens.len() {
        return Err(format!("case: unexpected {:?}", parser.tokens[parser.at]));
    }
    Ok(expr)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    columns: &'a [(String, Typed)],
    registry: &'a FunctionRegistry,
}

type Bound = Result<Expr, String>;

fn constant(array: impl arrow_array::Array + 'static, data_type: DataType) -> Expr {
    Expr::Literal { value: Arc::new(array), typed: Typed::not_null(data_type), is_symbol: false }
}

impl Parser<'_> {
    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if s == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(format!("case: expected {sign}, found {:?}", self.tokens.get(self.at))) }
    }

    fn expect_word(&mut self, word: &str) -> Result<(), String> {
        if self.word(word) { Ok(()) } else { Err(format!("case: expected {word}, found {:?}", self.tokens.get(self.at))) }
    }

    fn call(&self, name: &str, parts: Vec<Expr>) -> Bound {
        let typed: Vec<Typed> = parts.iter().map(Expr::typed).collect();
        let function = self.registry.scalar(name).ok_or_else(|| format!("no function {name}"))?.clone();
        let resolution = function.resolve(&arguments(&parts, &typed)).map_err(|e| e.to_string())?;
        let arguments = parts.into_iter().zip(resolution.arguments).map(|(part, target)| implicit(part, target)).collect();
        Ok(Expr::Call { function, arguments, typed: resolution.result })
    }

    fn or(&mut self) -> Bound {
        let mut parts = vec![self.and()?];
        while self.word("OR") {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Or(parts) })
    }

    fn and(&mut self) -> Bound {
        let mut parts = vec![self.not()?];
        while self.word("AND") {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
    }

    fn not(&mut self) -> Bound {
        if self.word("NOT") {
            let value = self.not()?;
            return self.call("NOT", vec![value]);
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Bound {
        let mut value = self.sum()?;
        loop {
            let negated = self.word("NOT");
            if self.word("IN") {
                let mut parts = vec![value];
                self.expect("(")?;
                parts.extend(self.list(")")?);
                value = self.call("IN", parts)?;
            } else if self.word("LIKE") || self.word("SIMILAR") {
                let name = if self.word("TO") { "SIMILAR TO" } else { "LIKE" };
                let mut parts = vec![value, self.sum()?];
                if self.word("ESCAPE") {
                    parts.push(self.sum()?);
                }
                value = self.call(name, parts)?;
            } else if self.word("BETWEEN") {
                let low = self.sum()?;
                self.expect_word("AND")?;
                let high = self.sum()?;
                value = Expr::And(vec![self.call(">=", vec![value.clone(), low])?, self.call("<=", vec![value, high])?]);
            } else if self.word("IS") {
                let not = if self.word("NOT") { "NOT " } else { "" };
                if self.word("DISTINCT") {
                    self.expect_word("FROM")?;
                    let other = self.sum()?;
                    value = self.call(&format!("IS {not}DISTINCT FROM"), vec![value, other])?;
                } else {
                    let Some(Token::Word(word)) = self.tokens.get(self.at).cloned() else { return Err("case: IS what".to_owned()) };
                    self.at += 1;
                    value = self.call(&format!("IS {not}{}", word.to_uppercase()), vec![value])?;
                }
            } else {
                let Some(sign) = ["=", "<>", "<=", ">=", "<", ">"].into_iter().find(|sign| self.sign(sign)) else { return Ok(value) };
                let other = self.sum()?;
                value = self.call(sign, vec![value, other])?;
            }
            if negated {
                value = self.call("NOT", vec![value])?;
            }
        }
    }

    fn sum(&mut self) -> Bound {
        let mut value = self.product()?;
        while let Some(sign) = ["+", "-", "||"].into_iter().find(|sign| self.sign(sign)) {
            let other = self.product()?;
            value = self.call(sign, vec![value, other])?;
        }
        Ok(value)
    }

    fn product(&mut self) -> Bound {
        let mut value = self.unary()?;
        while let Some(sign) = ["*", "/", "%"].into_iter().find(|sign| self.sign(sign)) {
            let other = self.unary()?;
            value = self.call(sign, vec![value, other])?;
        }
        Ok(value)
    }

    fn unary(&mut self) -> Bound {
        if self.sign("-") {
            if let Some(Token::Number(text)) = self.tokens.get(self.at).cloned() {
                self.at += 1;
                return number(&format!("-{text}"));
            }
            let value = self.unary()?;
            return self.call("NEGATE", vec![value]);
        }
        if self.sign("+") {
            let value = self.unary()?;
            return self.call("IDENTITY", vec![value]);
        }
        self.primary()
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut parts = Vec::new();
        while !self.sign(end) {
            if !parts.is_empty() {
                self.expect(",")?;
            }
            parts.push(self.or()?);
        }
        Ok(parts)
    }

    /// The tokens of a type up to the closing parenthesis.
    fn data_type(&mut self) -> Result<CastTarget, String> {
        let (mut text, mut depth) = (String::new(), 0);
        while let Some(token) = self.tokens.get(self.at) {
            match token {
                Token::Sign(s) if s == ")" && depth == 0 => break,
                Token::Sign(s) => {
                    depth += i32::from(s == "(") - i32::from(s == ")");
                    text.push_str(s);
                }
                Token::Word(w) | Token::Number(w) => text.push_str(&format!(" {w}")),
                Token::Text(_) => return Err("case: a type".to_owned()),
            }
            self.at += 1;
        }
        let text = text.trim().replace("( ", "(");
        let length = ["VARCHAR", "CHAR", "VARBINARY", "BINARY"].into_iter().find_map(|name| {
            let length = text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?.parse().ok()?;
            Some((length, !name.starts_with("VAR")))
        });
        if let Some(interval) = text.strip_prefix("INTERVAL ") {
            let is_months = interval.starts_with("YEAR") || interval.starts_with("MONTH");
            return Ok(if is_months { DataType::IntervalYearMonth } else { DataType::IntervalDayTime }.into());
        }
        Ok(CastTarget { length, ..CastTarget::from(text.parse::<DataType>().map_err(|e| format!("case: {text}: {e}"))?) })
    }

    fn primary(&mut self) -> Bound {
        let token = self.tokens.get(self.at).cloned().ok_or("case: an expression is missing")?;
        self.at += 1;
        match token {
            Token::Number(text) => number(&text),
            Token::Text(text) => Ok(constant(StringArray::from(vec![text]), DataType::String)),
            Token::Sign(sign) if sign == "(" => {
                if let Some(difference) = self.difference() {
                    return difference;
                }
                let value = self.or()?;
                self.expect(")")?;
                Ok(value)
            }
            Token::Sign(sign) => Err(format!("case: unexpected {sign}")),
            Token::Word(word) => self.named(&word),
        }
    }

    /// What follows `(` when it is `a - b) unit`; else nothing is read.
    fn difference(&mut self) -> Option<Bound> {
        let start = self.at;
        let mut read = || {
            let left = self.product().ok()?;
            self.expect("-").ok()?;
            let right = self.product().ok()?;
            self.expect(")").ok()?;
            let unit = ["DAY", "SECOND", "MONTH"].into_iter().find(|unit| self.word(unit))?;
            Some(self.call("MINUS_DATE", vec![left, right, symbol(unit)]))
        };
        let found = read();
        if found.is_none() {
            self.at = start;
        }
        found
    }

    fn named(&mut self, word: &str) -> Bound {
        let upper = word.to_uppercase();
        if upper == "INTERVAL" {
            return self.interval();
        }
        if let Some(Token::Text(text)) = self.tokens.get(self.at).cloned() {
            self.at += 1;
            return typed_literal(&upper, &text);
        }
        match upper.as_str() {
            "TRUE" | "FALSE" => return Ok(constant(BooleanArray::from(vec![upper == "TRUE"]), DataType::Boolean)),
            "NULL" => {
                let typed = Typed::nullable(DataType::Null);
                return Ok(Expr::Literal { value: new_null_array(&arrow_schema::DataType::Null, 1), typed, is_symbol: false });
            }
            "CASE" => return self.case(),
            "CAST" | "TRY_CAST" => {
                self.expect("(")?;
                let value = self.or()?;
                self.expect_word("AS")?;
                let target = self.data_type()?;
                self.expect(")")?;
                return explicit(value, target, upper == "TRY_CAST");
            }
            "ARRAY" | "MAP" if self.sign("[") => {
                let mut parts = self.list("]")?;
                let step = if upper == "MAP" { 2 } else { 1 };
                for offset in 0..step {
                    let types: Vec<DataType> = parts.iter().skip(offset).step_by(step).map(|p| p.typed().data_type).collect();
                    let common = common_type_of(&types).ok_or("no common type")?;
                    for part in parts.iter_mut().skip(offset).step_by(step) {
                        *part = implicit(part.clone(), common.clone());
                    }
                }
                return construct(&upper, &parts);
            }
            _ => {}
        }
        if let Some(index) = self.columns.iter().position(|(name, _)| name.eq_ignore_ascii_case(word)) {
            return Ok(Expr::column(index, self.columns[index].1.clone()));
        }
        let parts = if self.sign("(") { self.list(")")? } else { Vec::new() };
        match (upper.as_str(), parts.as_slice()) {
            ("COALESCE" | "IFNULL", [_, ..]) => {
                let types: Vec<DataType> = parts.iter().map(|p| p.typed().data_type).collect();
                let common = types[1..].iter().try_fold(types[0].clone(), |a, b| merged_type(&a, b)).ok_or("no common type")?;
                let typed = Typed::new(common.clone(), parts.iter().all(|p| p.typed().nullable));
                Ok(Expr::Coalesce { arguments: parts.into_iter().map(|p| implicit(p, common.clone())).collect(), typed })
            }
            ("IF", [condition, yes, no]) => {
                let mut chosen = conditional(vec![(condition.clone(), yes.clone())], Some(no.clone()))?;
                // Unlike CASE, IF may be NULL where its condition may.
                if let Expr::Case { typed, .. } = &mut chosen {
                    typed.nullable |= condition.typed().nullable;
                }
                Ok(chosen)
            }
            ("NULLIF", [value, other]) => {
                let equal = self.call("=", vec![value.clone(), other.clone()])?;
                let typed = Typed::nullable(value.typed().data_type);
                let null = Expr::Literal { value: new_null_array(&typed.data_type.to_arrow(), 1), typed, is_symbol: false };
                conditional(vec![(equal, null)], Some(value.clone()))
            }
            ("ROW", _) => construct("ROW", &parts),
            _ => self.call(&upper, parts),
        }
    }

    fn interval(&mut self) -> Bound {
        let sign = if self.sign("-") { -1.0 } else { 1.0 };
        let Some(Token::Text(text)) = self.tokens.get(self.at).cloned() else { return Err("case: an interval".to_owned()) };
        let Some(Token::Word(unit)) = self.tokens.get(self.at + 1).cloned() else { return Err("case: a unit".to_owned()) };
        self.at += 2;
        let amount = sign * text.parse::<f64>().map_err(|e| e.to_string())?;
        let milliseconds = match unit.as_str() {
            "MONTH" => return Ok(constant(Int32Array::from(vec![amount as i32]), DataType::IntervalYearMonth)),
            "YEAR" => return Ok(constant(Int32Array::from(vec![12 * amount as i32]), DataType::IntervalYearMonth)),
            "SECOND" => 1_000.0,
            "HOUR" => 3_600_000.0,
            _ => 86_400_000.0,
        };
        Ok(constant(Int64Array::from(vec![(amount * milliseconds) as i64]), DataType::IntervalDayTime))
    }

    fn case(&mut self) -> Bound {
        let mut branches = Vec::new();
        while self.word("WHEN") {
            let when = self.or()?;
            self.expect_word("THEN")?;
            branches.push((when, self.or()?));
        }
        let otherwise = if self.word("ELSE") { Some(self.or()?) } else { None };
        self.expect_word("END")?;
        conditional(branches, otherwise)
    }
}

fn symbol(text: &str) -> Expr {
    let value: ArrayRef = Arc::new(StringArray::from(vec![text]));
    Expr::Literal { value, typed: Typed::not_null(DataType::String), is_symbol: true }
}

fn conditional(branches: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Bound {
    let results: Vec<Typed> = branches.iter().map(|(_, then)| then.typed()).chain(otherwise.as_ref().map(Expr::typed)).collect();
    let common = common_type_of(results.iter().map(|t| &t.data_type)).ok_or("no common type")?;
    let typed = Typed::new(common.clone(), otherwise.is_none() || results.iter().any(|t| t.nullable));
    let branches = branches.into_iter().map(|(when, then)| (when, implicit(then, common.clone()))).collect();
    Ok(Expr::Case { branches, otherwise: otherwise.map(|o| Box::new(implicit(o, common.clone()))), typed })
}

fn number(text: &str) -> Bound {
    if text.contains(['e', 'E']) {
        return Ok(constant(Float64Array::from(vec![text.parse::<f64>().map_err(|e| e.to_string())?]), DataType::Double));
    }
    let digits: String = text.chars().filter(|c| *c != '.').collect();
    let value: i128 = digits.parse().map_err(|_| format!("case: {text}"))?;
    let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len() as u8);
    if !text.contains('.') {
        if let Ok(value) = i32::try_from(value) {
            return Ok(constant(Int32Array::from(vec![value]), DataType::Int));
        }
        if let Ok(value) = i64::try_from(value) {
            return Ok(constant(Int64Array::from(vec![value]), DataType::BigInt));
        }
    }
    let precision = (value.unsigned_abs().to_string().len() as u8).max(scale);
    let array = Decimal128Array::from(vec![value]).with_precision_and_scale(precision, scale as i8).map_err(|e| e.to_string())?;
    Ok(constant(array, DataType::Decimal { precision, scale }))
}

fn typed_literal(kind: &str, text: &str) -> Bound {
    let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len() as u8);
    let target = match kind {
        "X" => {
            let bytes: Vec<u8> = (0..text.len()).step_by(2).filter_map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect();
            return Ok(constant(BinaryArray::from(vec![bytes.as_slice()]), DataType::Bytes));
        }
        "DATE" => DataType::Date,
        "TIME" => DataType::Time { precision: digits },
        "TIMESTAMP" => DataType::Timestamp { precision: digits },
        _ => return Err(format!("case: {kind} '{text}'")),
    };
    let value = Columnar::Scalar(Arc::new(StringArray::from(vec![text])) as ArrayRef);
    let cast = cast::cast(&value, &DataType::String, &target.clone().into(), false, &EvaluationContext::default());
    Ok(Expr::Literal { value: cast.map_err(|e| e.to_string())?.inner().clone(), typed: Typed::not_null(target), is_symbol: false })
}

fn implicit(value: Expr, target: DataType) -> Expr {
    let typed = value.typed();
    if typed.data_type == target || value.symbol().is_some() {
        return value;
    }
    let nullable = typed.nullable || typed.data_type == DataType::Null;
    Expr::Cast { value: Box::new(value), typed: Typed::new(target.clone(), nullable), target: target.into(), is_try: false }
}

fn explicit(value: Expr, target: CastTarget, is_try: bool) -> Bound {
    let from = value.typed();
    if !cast::is_castable(&from.data_type, &target.data_type) {
        return Err(format!("{} cannot be cast to {}", from.data_type, target.data_type));
    }
    let nullable = from.nullable || is_try || from.data_type == DataType::Null;
    Ok(Expr::Cast { value: Box::new(value), typed: Typed::new(target.data_type.clone(), nullable), target, is_try })
}
