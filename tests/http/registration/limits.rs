//! How often codes are sent: for each phone, document and address block, whoever has them.

use crate::support::{Answer, Applicant, Server, ZHANG, document, minutes, phone, seconds};

/// Sends the form from an address of its own, or from this one.
async fn ask(server: &Server, path: &str, who: &Applicant, address: Option<&str>) -> Answer {
    let mut browser = server.browser();
    if let Some(address) = address {
        browser.address = address.parse().expect("an address");
    }
    let form = browser.visit(path).await;
    browser.fill_in(&form, who).await
}

/// How often in an hour the `count`th answer is a page for the code.
async fn passes(server: &Server, path: &str, asked: impl Iterator<Item = Applicant>) -> usize {
    let mut passed = 0;
    for who in asked {
        let answer = ask(server, path, &who, None).await;
        if answer.status == 429 {
            let wait = answer.header("retry-after").expect("when to come back");
            assert!(
                (1..=3600).contains(&wait.parse::<u32>().expect("seconds")),
                "{wait}"
            );
            assert!(
                answer.text().contains("Try again in") || answer.text().contains("try again in")
            );
            let page = answer.page();
            let prefix = path.trim_start_matches('/');
            let name = page.find(&format!("{prefix}-name")).expect("a field");
            assert_eq!(
                name.attribute("value"),
                Some(&*who.name),
                "what was typed stays"
            );
            return passed;
        }
        assert!(answer.path().ends_with("/code"));
        passed += 1;
    }
    passed
}

#[tokio::test]
async fn a_phone_gets_five_codes_in_an_hour_whosever_it_is() {
    let server = Server::start().await;
    let zhang = Applicant::of(&ZHANG);
    for (way, first) in [("/register", 0), ("/recover", 20)] {
        for known in [ZHANG.phone, &phone(first + 5)] {
            // A document of its own each time.
            let asked = (0..10).map(|n| Applicant::new(first + 10 + n).with_phone(known));
            let expected = if known == ZHANG.phone && way == "/recover" {
                0
            } else {
                5
            };
            assert_eq!(passes(&server, way, asked).await, expected, "{way} {known}");
        }
    }
    // Nor does spelling it otherwise help.
    let spelled = zhang.clone().with_phone("138 0000 0001");
    assert_eq!(ask(&server, "/register", &spelled, None).await.status, 429);
    // An hour later there are five more, then it is enough for a day.
    server.clock.advance(minutes(61));
    let asked = (0..10).map(|n| Applicant::new(40 + n).with_phone(ZHANG.phone));
    assert_eq!(passes(&server, "/register", asked).await, 5);
    server.clock.advance(minutes(61));
    let late = Applicant::new(60).with_phone(ZHANG.phone);
    let refused = ask(&server, "/register", &late, None).await;
    assert_eq!(refused.status, 429);
    let wait = refused.header("retry-after").expect("a time");
    assert!(wait.parse::<u32>().expect("seconds") > 20 * 3600, "{wait}");
    server.clock.advance(minutes(23 * 60));
    assert!(
        ask(&server, "/register", &late, None)
            .await
            .path()
            .ends_with("/code")
    );
}

#[tokio::test]
async fn a_document_gets_five_codes_in_an_hour_from_one_place_whosever_it_is() {
    let server = Server::start().await;
    let place = Some("203.0.113.7");
    for (known, first) in [(ZHANG.document_number.to_owned(), 100), (document(90), 200)] {
        let about = |n: usize| Applicant::new(first + n).with_document("resident_id_card", &known);
        let mut passed = 0;
        for n in 0..10 {
            let answer = ask(&server, "/register", &about(n), place).await;
            passed += usize::from(answer.path() == "/register/code");
        }
        assert_eq!(passed, 5, "{known}");
        // Recovery counts with it.
        assert_eq!(
            ask(&server, "/recover", &about(50), place).await.status,
            429
        );
        // Whose document it is, is not shut out by whoever is somewhere else.
        let owner = ask(&server, "/register", &about(51), Some("198.51.100.1")).await;
        assert_eq!(owner.path(), "/register/code");
    }
}

#[tokio::test]
async fn a_document_is_checked_five_times_in_an_hour_from_wherever() {
    let server = Server::start().await;
    for n in 0..7 {
        let who = Applicant::new(n).with_document("resident_id_card", &document(90));
        let mut browser = server.browser();
        let page = browser.apply("/register", &who).await;
        let answer = browser.type_sent_code(&page, &who.phone).await;
        let expected = if n < 5 {
            "/register/code"
        } else {
            "/register/check"
        };
        assert_eq!(answer.path(), expected, "{n}");
    }
}

#[tokio::test]
async fn an_address_block_gets_a_hundred() {
    let server = Server::start().await;
    let ask_from = async |number: usize, address: String| {
        ask(
            &server,
            "/register",
            &Applicant::new(number),
            Some(&address),
        )
        .await
    };
    for number in 0..100 {
        let answer = ask_from(number, format!("203.0.113.{}", number + 1)).await;
        assert_eq!(answer.path(), "/register/code", "{number}");
    }
    // Another address of the block does not help; another block is another.
    assert_eq!(ask_from(200, "203.0.113.250".to_owned()).await.status, 429);
    assert_eq!(
        ask_from(201, "::ffff:203.0.113.9".to_owned()).await.status,
        429
    );
    assert_eq!(
        ask_from(202, "203.0.114.1".to_owned()).await.path(),
        "/register/code"
    );
    // Who was refused has used up nothing of the phone's and the document's.
    server.clock.advance(minutes(61));
    for _ in 0..5 {
        let answer = ask_from(200, "203.0.113.250".to_owned()).await;
        assert_eq!(answer.path(), "/register/code");
    }
}

#[tokio::test]
async fn refusals_for_known_and_unknown_are_alike() {
    let server = Server::start().await;
    let known = Applicant::of(&ZHANG);
    let unknown = Applicant::new(1).named(ZHANG.name);
    let mut pages = Vec::new();
    for who in [&known, &unknown] {
        for _ in 0..5 {
            ask(&server, "/register", who, None).await;
        }
        let refused = ask(&server, "/register", who, None).await;
        assert_eq!(refused.status, 429);
        let names: Vec<_> = refused.headers.keys().map(ToString::to_string).collect();
        let page = super::authority::without_secrets(&refused)
            .replace(&who.document_number, "")
            .replace(&who.phone, "");
        pages.push((names, page));
    }
    assert_eq!(pages[0], pages[1]);
}

/// To the second it would tell when somebody else asked for a code.
#[tokio::test]
async fn how_long_to_wait_is_told_in_quarters_of_an_hour() {
    const QUARTER: u32 = 15 * 60;
    let server = Server::start().await;
    let about = |n: usize| Applicant::new(n).with_phone(ZHANG.phone);
    server.clock.advance(seconds(7));
    for n in 0..5 {
        ask(&server, "/register", &about(n), None).await;
    }
    let mut told = Vec::new();
    for n in 5..9 {
        server.clock.advance(seconds(11 * 60 + 1));
        let refused = ask(&server, "/register", &about(n), None).await;
        assert_eq!(refused.status, 429);
        let wait = refused.header("retry-after").expect("when to come back");
        let wait: u32 = wait.parse().expect("seconds");
        assert_eq!(wait % QUARTER, 0, "{wait}");
        told.push(wait / QUARTER);
    }
    let longest_first = told.windows(2).all(|pair| pair[0] >= pair[1]);
    assert!(longest_first && told[0] > told[3], "{told:?}");
}
