//! Schemas as the specification has them: no format that only schemars knows.
//!
//! Validators in strict mode, as ajv's, refuse a schema with a format that they do not know; and a
//! bound that is in no keyword is checked by nobody.

use schemars::Schema;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Value, json};

#[must_use]
pub fn standard() -> impl Transform + Clone + Send + 'static {
    RecursiveTransform(|schema: &mut Schema| {
        let Some(format) = schema.get("format").and_then(Value::as_str).map(str::to_owned) else { return };
        let most: Option<u64> = match format.as_str() {
            "uint8" => Some(u8::MAX.into()),
            "uint16" => Some(u16::MAX.into()),
            "uint32" => Some(u32::MAX.into()),
            "uint" | "uint64" => Some(u64::MAX),
            "int" | "int32" | "int64" | "float" | "double" => None,
            "ip" => {
                schema.remove("format");
                let either = ["ipv4", "ipv6"].map(|format| json!({ "type": "string", "format": format }));
                schema.insert("anyOf".into(), json!(either));
                return;
            }
            _ => return,
        };
        schema.remove("format");
        if let Some(most) = most.filter(|_| schema.get("maximum").is_none()) {
            schema.insert("maximum".into(), most.into());
        }
    })
}
