//! A page as somebody without scripts uses it: links and forms, found by id.
//!
//! Only our own pages are read, so their markup is taken as the templates write it.

use url::Url;

/// A page that came back.
pub(super) struct Page {
    /// Where it is from.
    pub(super) url: Url,
    /// Its source.
    pub(super) text: String,
}

/// A form, ready to be sent.
pub(super) struct Filled {
    /// Where it goes.
    pub(super) action: Url,
    /// What it carries.
    pub(super) body: String,
}

impl Page {
    /// Whether an element has this id.
    pub(super) fn shows(&self, id: &str) -> bool {
        self.text.contains(&with_id(id))
    }

    /// Where the link of this id leads.
    pub(super) fn link(&self, id: &str) -> Option<Url> {
        let href = attribute(tag(&self.text, &with_id(id))?, "href")?;
        self.url.join(&href).ok()
    }

    /// The first link whose address has this path, as the page writes it.
    pub(super) fn link_to(&self, path: &str) -> Option<Url> {
        let mut links = self.text.split("<a ").skip(1);
        links.find_map(|link| {
            let href = attribute(link.split('>').next()?, "href")?;
            let url = self.url.join(&href).ok()?;
            (url.path() == path).then_some(url)
        })
    }

    /// The form that `button` sends, with these fields filled in.
    pub(super) fn filled(&self, button: &str, fields: &[(&str, &str)]) -> Option<Filled> {
        let forms = self.text.split("<form ").skip(1);
        let mut forms = forms.filter_map(|form| form.split("</form>").next());
        let form = forms.find(|form| form.contains(&with_id(button)))?;
        let action = attribute(form.split('>').next()?, "action")?;
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        let hidden = form.split("<input ").skip(1);
        for field in hidden.filter_map(|input| input.split('>').next()) {
            if attribute(field, "type").as_deref() == Some("hidden") {
                body.append_pair(&attribute(field, "name")?, &attribute(field, "value")?);
            }
        }
        body.extend_pairs(fields);
        let pressed = tag(form, &with_id(button))?;
        if let Some(name) = attribute(pressed, "name") {
            let value = attribute(pressed, "value").unwrap_or_default();
            body.append_pair(&name, &value);
        }
        Some(Filled {
            action: self.url.join(&action).ok()?,
            body: body.finish(),
        })
    }

    /// The first one-time code that the page shows.
    pub(super) fn one_time_code(&self) -> Option<&str> {
        let code = self.text.split("class=\"otp\"><code>").nth(1)?;
        code.split('<').next()
    }

    /// The text of the first message that the page shows.
    pub(super) fn message(&self) -> Option<String> {
        let text = self.text.split("class=\"said\">").nth(1)?;
        text.split('<').next().map(unescaped)
    }

    /// The value that a portal shows of a claim.
    pub(super) fn claim(&self, name: &str) -> Option<String> {
        let row = self.text.split(&format!("<code>{name}</code>")).nth(1)?;
        let value = row.split("class=\"value\">").nth(1)?;
        Some(unescaped(value.split('<').next()?))
    }
}

fn with_id(id: &str) -> String {
    format!(" id=\"{id}\"")
}

/// The tag that `words` stand in.
fn tag<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let (before, after) = text.split_once(words)?;
    let start = before.rfind('<')?;
    let end = before.len() + words.len() + after.find('>')?;
    text.get(start..end)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = format!(" {tag}");
    let (_, value) = tag.split_once(&format!(" {name}=\""))?;
    value.split('"').next().map(unescaped)
}

/// The other way round from the templates' escaping.
fn unescaped(text: &str) -> String {
    [
        ("&#x2f;", "/"),
        ("&#x27;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<a href=\"&#x2f;register?interaction=a&amp;x=1\">r</a>\
        <form method=\"post\" action=\"/one\"><button id=\"one\" type=\"submit\">1</button></form>\
        <form method=\"post\" action=\"/two?a=b&amp;c=d\"><input type=\"hidden\" name=\"csrf\" value=\"a&quot;b\">\
        <input id=\"name\" name=\"name\" type=\"text\" value=\"x\" required>\
        <button id=\"two\" type=\"submit\" name=\"decision\" value=\"allow\">2</button></form>\
        <a id=\"next\" href=\"http://other.localhost:1/\">n</a><p class=\"otp\"><code>123456</code></p>\
        <p><bdi class=\"said\">a &lt; b</bdi></p>";

    fn page() -> Page {
        Page {
            url: Url::parse("http://localhost:1/here?there").unwrap(),
            text: TEXT.to_owned(),
        }
    }

    #[test]
    fn the_form_of_the_button_is_filled() {
        let filled = page().filled("two", &[("name", "沈")]).unwrap();
        assert_eq!(filled.action.as_str(), "http://localhost:1/two?a=b&c=d");
        assert_eq!(filled.body, "csrf=a%22b&name=%E6%B2%88&decision=allow");
        assert_eq!(page().filled("one", &[]).unwrap().body, "");
        assert!(page().filled("three", &[]).is_none());
    }

    #[test]
    fn links_and_codes_are_found() {
        let page = page();
        let link = page.link_to("/register").unwrap();
        assert_eq!(link.query(), Some("interaction=a&x=1"));
        assert_eq!(
            page.link("next").unwrap().host_str(),
            Some("other.localhost")
        );
        assert!(page.link_to("/none").is_none() && page.shows("name") && !page.shows("nam"));
        assert_eq!(page.one_time_code(), Some("123456"));
        assert_eq!(page.message().as_deref(), Some("a < b"));
    }
}
