use super::*;

fn used(text: &str) -> SecretUse {
    text.parse().expect(text)
}

fn net(texts: &[&str]) -> Vec<Invitation> {
    texts.iter().map(|text| text.parse().expect(text)).collect()
}

#[test]
fn a_use_is_written_in_one_way_and_read_back_as_it_was() {
    for (written, told) in [
        ("openai=Authorization:Bearer", "openai=authorization:Bearer"),
        ("a=X-Api-Key", "a=x-api-key"),
        ("maps=?key", "maps=?key"),
        (
            "b=authorization:Basic GET https://api.example.com/v1/",
            "b=authorization:Basic GET https://api.example.com/v1",
        ),
        ("b=?k https://api.example.com", "b=?k https://api.example.com/"),
    ] {
        assert_eq!(used(written).to_string(), told);
        assert_eq!(used(told), used(written));
    }
}

#[test]
fn what_cannot_be_kept_is_refused_and_not_repeated() {
    let long = format!("a={}", "b".repeat(65));
    for wrong in [
        "",
        "openai",
        "sk-this-is-the-value",
        "=Authorization",
        "1a=Authorization",
        "a/b=Authorization",
        "a=",
        "a=?",
        "a=?k=v",
        "a=?k&x",
        "a=Authorization:",
        "a=Authorization:Bearer:x",
        "a=Auth orization",
        "a=X-A\r\nHost: evil",
        "a=X-A:B\n",
        "a=Host",
        "a=content-length",
        "a=Transfer-Encoding",
        "a=Proxy-Authorization",
        "a=Authorization  https://api.example.com/",
        "a=Authorization api.example.com",
        "a=Authorization https://*.example.com/",
        &long,
    ] {
        let error = wrong.parse::<SecretUse>().expect_err(wrong).to_string();
        assert!(wrong.len() < 8 || !error.contains(wrong), "{error}");
    }
}

#[test]
fn each_goes_to_one_origin_and_nobody_reads_it_on_the_way() {
    let one = ["GET https://api.example.com/v1/", "POST https://api.example.com/v2/"];
    let two = ["https://api.example.com/", "https://evil.example/"];
    let there = "a=x-a https://api.example.com/v1/";
    for (uses, invited, wrong) in [
        (&["a=x-a"][..], &one[..], None),
        (&["a=x-a", "b=?x-a"], &one, None),
        (&[there], &two, None),
        (&["a=x-a"], &["http://127.0.0.1:8080/"], None),
        (&["a=x-a"], &["http://[::1]:8080/"], None),
        (&["a=x-a"], &[], Some("invited nowhere")),
        (&["a=x-a"], &two, Some("more than one origin")),
        (
            &["a=x-a"],
            &["https://api.example.com/", "https://api.example.com:8443/"],
            Some("more than one origin"),
        ),
        (&["a=x-a"], &["https://api.example.com/", "http://api.example.com/"], Some("more than one origin")),
        (&[there], &["https://evil.example/"], Some("is not invited")),
        (&["a=x-a https://api.example.com:8443/"], &two, Some("is not invited")),
        (&["a=x-a"], &["http://api.example.com/"], Some("over http")),
        (&["a=x-a"], &["http://10.0.0.1/"], Some("over http")),
        (&["a=x-a", "b=X-A:Bearer"], &one, Some("the second is b")),
        (&["a=x-a", there], &one, Some("the same place")),
        (&["a=?k", "b=?k"], &one, Some("the same place")),
    ] {
        let uses: Vec<SecretUse> = uses.iter().map(|text| used(text)).collect();
        let told = check_uses(&uses, &net(invited)).err().map(|error| error.to_string());
        match (wrong, &told) {
            (None, None) => {}
            (Some(part), Some(told)) => assert!(told.contains(part), "{told}"),
            _ => panic!("{uses:?}, {invited:?}: {told:?}"),
        }
    }
}

#[test]
fn a_value_can_stand_in_a_header_and_is_not_in_the_error() {
    let check = |value: &str| check_value(&Secret::new(value.to_owned()));
    let (long, longer) = ("x".repeat(MOST_VALUE), "x".repeat(MOST_VALUE + 1));
    for good in ["12345678", "sk-proj_a/b+c=", "with a blank inside", &long] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for wrong in [
        "",
        "1234567",
        " 12345678",
        "12345678 ",
        "1234\n5678",
        "12345678\r\nhost: evil",
        "1234\t5678",
        "1234\u{0}5678",
        "1234567ä",
        &longer,
    ] {
        let told = check(wrong).expect_err(wrong).to_string();
        assert!(wrong.len() < 4 || !told.contains(wrong), "{told}");
    }
}
