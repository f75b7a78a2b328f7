use hauki_contract::model::secret::Secret;

use super::*;

fn of(value: &str) -> Redaction {
    let name = "openai".parse().expect("is a name");
    Redaction::of([GrantedSecret { name, value: Secret::new(value.to_owned()) }].iter())
}

fn cleaned_text(redaction: &Redaction, text: &str) -> String {
    String::from_utf8(redaction.cleaned(text.as_bytes()).into_owned()).expect("is text")
}

#[test]
fn a_value_is_found_in_every_form_and_only_the_value_goes() {
    let value = "p@ss/w+rd&\"<q>\\'1 2";
    let redaction = of(value);
    let json = serde_json::to_string(value).expect("is text");
    let all = |each: fn(u8) -> String| value.bytes().map(each).collect::<String>();
    let mut written = vec![
        value.to_owned(),
        json[1..json.len() - 1].to_owned(),
        json[1..json.len() - 1].replace('/', "\\/").replace('<', "\\u003c").replace('>', "\\u003E"),
        all(|byte| format!("\\u00{byte:02x}")),
        all(|byte| format!("\\x{byte:02X}")),
        all(|byte| format!("%{byte:02x}")),
        all(|byte| format!("%{byte:02X}")),
        all(|byte| format!("%25{byte:02X}")),
        all(|byte| format!("&#{byte};")),
        all(|byte| format!("&#x{byte:x};")),
        all(|byte| format!("{byte:02x}")),
        all(|byte| format!("{byte:02X}")),
        value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        value.replace('&', "%26").replace('"', "%22").replace(' ', "%20"),
        "p%40ss%2Fw%2Brd%26%22%3Cq%3E%5C%271+2".to_owned(),
    ];
    for before in ["", "u", "us", "use", "user:"] {
        let text = format!("{before}{value}{before}");
        written.push(STANDARD_NO_PAD.encode(&text));
        written.push(URL_SAFE_NO_PAD.encode(&text));
    }
    for echoed in written {
        assert!(redaction.is_in(echoed.as_bytes()), "{echoed}");
        let text = format!("{{\"before\": \"{echoed}\", \"after\": 1, \"again\": \"{echoed}\"}}");
        let cleaned = cleaned_text(&redaction, &text);
        assert!(!cleaned.contains(&echoed) && !redaction.is_in(cleaned.as_bytes()), "{cleaned}");
        assert_eq!(cleaned.matches("[secret openai]").count(), 2, "{cleaned}");
        assert!(
            cleaned.starts_with("{\"before\": \"") && cleaned.contains("\", \"after\": 1, "),
            "{cleaned}"
        );
    }
    let wide: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(redaction.is_in(&wide));
    let wide: Vec<u8> = value.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert!(redaction.is_in(&wide));
}

#[test]
fn what_is_not_the_value_stays_as_it_is() {
    let redaction = of("sk-proj-0123456789");
    for text in [
        "",
        "%",
        "%2",
        "\\",
        "\\u00",
        "&#",
        "&#300;",
        "%73k-proj",
        "sk-proj-012345678",
        "100% & more; \\u0041",
    ] {
        assert!(
            matches!(redaction.cleaned(text.as_bytes()), Cow::Borrowed(same) if same == text.as_bytes()),
            "{text}"
        );
    }
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(&*redaction.cleaned(&bytes), &bytes[..]);
    let text = "caf%C3%A9 sk%2Dproj-0123456789 %7B";
    assert_eq!(cleaned_text(&redaction, text), "caf%C3%A9 [secret openai] %7B");
    assert_eq!(cleaned_text(&Redaction::default(), text), text);
}

#[test]
fn of_two_secrets_each_has_its_own_word() {
    let secret = |name: &str, value: &str| GrantedSecret {
        name: name.parse().expect(name),
        value: Secret::new(value.to_owned()),
    };
    let both =
        Redaction::of([secret("a", "0123456789"), secret("b", "01234567"), secret("a", "0123456789")].iter());
    assert_eq!(cleaned_text(&both, "0123456789 01234567"), "[secret a] [secret b]");
}

/// The rest of the longer one would say it.
#[test]
fn a_value_within_another_lays_nothing_of_it_open() {
    let (short, long) = ("tenant-12345", "tenant-12345-hushhush");
    let secret = |name: &str, value: &str| GrantedSecret {
        name: name.parse().expect(name),
        value: Secret::new(value.to_owned()),
    };
    for order in [[("a", short), ("b", long)], [("b", long), ("a", short)]] {
        let both = Redaction::of(order.map(|(name, value)| secret(name, value)).iter());
        assert_eq!(cleaned_text(&both, &format!("<{long}> {short}")), "<[secret b]> [secret a]");
        // Overlapping, and written in different ways.
        assert_eq!(cleaned_text(&both, "tenant%2D12345-hushhush|x"), "[secret b]|x");
    }
}

/// As programs repeat what was in `Authorization: Basic`, or in a cookie.
#[test]
fn the_parts_of_a_value_are_looked_for_by_themselves() {
    let basic = of("deploy:correct-horse");
    assert_eq!(
        cleaned_text(&basic, "PHP_AUTH_PW=correct%2Dhorse, deploy"),
        "PHP_AUTH_PW=[secret openai], deploy"
    );
    assert_eq!(cleaned_text(&basic, "deploy:correct-horse"), "[secret openai]");
    let cookie = of("session=0123456789ab; theme=dark");
    assert_eq!(cleaned_text(&cookie, "{\"session\":\"0123456789ab\"}"), "{\"session\":\"[secret openai]\"}");
    assert!(of("Bearer sk-0123456789").is_in(b"key sk-0123456789 is unknown"));
}

/// The names are the user's own, and so are the values.
#[test]
fn a_placeholder_is_never_searched_and_texts_do_not_grow_without_end() {
    let letters = "zabcdefghijklmno";
    let secrets = letters.as_bytes().windows(2).map(|pair| GrantedSecret {
        name: char::from(pair[1]).to_string().repeat(64).parse().expect("is a name"),
        value: Secret::new(char::from(pair[0]).to_string().repeat(8)),
    });
    let all = Redaction::of(secrets.collect::<Vec<_>>().iter());
    assert_eq!(cleaned_text(&all, "zzzzzzzz"), format!("[secret {}]", "a".repeat(64)));
    let text = "zzzzzzzz,".repeat(10_000);
    let cleaned = cleaned_text(&all, &text);
    assert!(cleaned.len() < text.len() + 100 * NAMED && !cleaned.contains("zzz"), "{}", cleaned.len());
}

#[test]
fn a_text_that_means_ill_costs_no_more_than_its_length() {
    let redaction = of(&format!("{}b", "a".repeat(4000)));
    let text = "a".repeat(1 << 20) + "%61";
    assert!(!redaction.is_in(text.as_bytes()));
}
