//! What a resident does to register, or to get an account back: forms and a code, without
//! JavaScript.

use serde_json::Value;

use crate::browser::{Arrival, Browser, Page};
use crate::installation::Installation;
use crate::outbox::Outbox;
use crate::people::Person;

/// Set by every login.
const SESSION: &str = "tongxing-session";

impl Browser {
    /// Whether it holds a login.
    pub(crate) fn is_logged_in(&self) -> bool {
        self.cookie_names().contains(&SESSION)
    }

    /// A page of the provider by its path.
    pub(crate) async fn open(&mut self, path: &str) -> Page {
        let url = format!("{}{path}", self.http.origin());
        self.go(&url, None).await.page()
    }

    /// Fills in the form of registration or recovery.
    pub(crate) async fn apply(&mut self, form: &Page, person: &Person) -> Arrival {
        let fields = fields(form, person);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (&**k, *v)).collect();
        self.submit(form, &fields).await
    }

    /// Types a code.
    pub(crate) async fn type_code(&mut self, page: &Page, code: &str) -> Arrival {
        assert!(page.has("otp-submit"), "{page:?}");
        self.submit(page, &[("otp-code", code)]).await
    }

    /// Opens `path`, fills in its form and arrives where the code is typed.
    pub(crate) async fn begin(&mut self, path: &str, person: &Person) -> Page {
        let form = self.open(path).await;
        let page = self.apply(&form, person).await.page();
        assert!(page.has("otp-code"), "{page:?}");
        page
    }

    /// From the form at `path` over the code to where that leads; `person` was sent `codes` codes
    /// before.
    pub(crate) async fn prove(
        &mut self,
        path: &str,
        person: &Person,
        (outbox, codes): (&Outbox, usize),
    ) -> Arrival {
        let page = self.begin(path, person).await;
        let code = outbox.code(&person.phone, codes + 1).await;
        self.type_code(&page, &code).await
    }
}

/// The fields of a form of registration or recovery.
pub(crate) fn fields<'a>(form: &Page, person: &'a Person) -> [(String, &'a str); 5] {
    let prefix = ["register", "recover"]
        .into_iter()
        .find(|prefix| form.has(&format!("{prefix}-name")))
        .unwrap_or_else(|| panic!("no such form: {form:?}"));
    let values = [
        ("name", &*person.name),
        ("document-type", "resident_id_card"),
        ("document-number", &person.number),
        ("phone", &person.phone),
        ("password", &person.password),
    ];
    values.map(|(field, value)| (format!("{prefix}-{field}"), value))
}

impl Installation {
    /// What `account show` says of the holder of somebody's document.
    pub(crate) async fn shown(&self, person: &Person) -> Value {
        let number = self.write("number", &person.number);
        let command = ["account", "show", "--document-number-file", &number];
        self.run(&command).await.json()
    }
}
