//! What a caller may write, and that it comes back as it was written.

use super::*;

async fn dry(served: &Served, args: &str) -> Vec<f64> {
    let origin = r#""origin":{"source":{"text":"function f() {}","file":"f.js"}}"#;
    let body = format!(r#"{{"key":"k",{origin},"args":{args},"dry_run":true}}"#);
    let (status, answer) = served.post(paths::SUMMONS, body.as_bytes()).await;
    assert_eq!(status, 200, "{answer}");
    answer["args"].as_array().expect("a list").iter().filter_map(Value::as_f64).collect()
}

#[tokio::test]
async fn numbers_in_arguments_are_the_same_bit_for_bit() {
    let served = Served::start();
    assert_eq!(
        dry(&served, "[10928588.983213553,2.3027782228163463e+146,-0.0,5e-324]").await,
        [10928588.983213553, 2.302_778_222_816_346_3e146, -0.0, 5e-324]
    );
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let doubles: Vec<f64> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from_bits(state)
    })
    .filter(|number| number.is_finite())
    .take(6000)
    .collect();
    let written: Vec<String> = doubles.iter().map(|number| format!("{number:e}")).collect();
    let read = dry(&served, &format!("[{}]", written.join(","))).await;
    let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&read), bits(&doubles));
}

#[tokio::test]
async fn who_beats_is_a_name_and_no_letter_and_a_refusal_does_not_say_it_all_again() {
    let served = Served::start();
    let vault = served.swarm.core.spawn(spawning("k")).await.expect("spawns").vault.id;
    let beat = async |by: &str| {
        let body = serde_json::json!({ "vaults": [{ "vault": vault }], "by": by });
        served.post(paths::HEARTBEATS, &json(&body)).await
    };
    for wrong in ["x".repeat(257), "x".repeat(8 << 20 >> 1), "a\u{1b}b".into(), "ä".repeat(257)] {
        let (status, answer) = beat(&wrong).await;
        assert_eq!((status, &answer["code"]), (400, &"bad_request".into()), "{answer}");
        assert!(
            answer["message"]
                .as_str()
                .is_some_and(|message| message.contains("a name has 256 characters at most")),
            "{answer}"
        );
    }
    assert_eq!(beat(&"x".repeat(256)).await.0, 200);

    let long = "l".repeat(1 << 20);
    let origin = serde_json::json!({ "source": { "text": "function f() {}", "file": long } });
    let labels = serde_json::json!({ long.as_str(): "x" });
    let source = serde_json::json!({ "source": { "text": "function f() {}", "file": "f.js" } });
    for body in [
        serde_json::json!({ "key": "k", "origin": origin }),
        serde_json::json!({ "key": "k", "origin": source, "labels": labels }),
        serde_json::json!({ "key": "k", "origin": source, long.as_str(): 1 }),
        serde_json::json!({ "key": "k", "origin": source, "name": long }),
    ] {
        let (status, answer) = served.post(paths::SUMMONS, &json(&body)).await;
        assert_eq!(status, 400);
        assert!(json(&answer).len() < 8192, "{} bytes", json(&answer).len());
    }
}
