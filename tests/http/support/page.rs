//! A page as a script sees it: elements by their ids, and the one form.

/// A page of ours.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    html: String,
    tags: Vec<Tag>,
}

/// A start tag, and where the text after it begins.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    end: usize,
}

impl Tag {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Page {
    /// Reads what our templates make: tags in lower case, attributes in double quotes.
    pub(crate) fn parse(html: &str) -> Self {
        let mut tags = Vec::new();
        let mut at = 0;
        while let Some(start) = html[at..].find('<').map(|found| at + found) {
            at = start + 1;
            if html[at..].starts_with(|c: char| c.is_ascii_alphabetic()) {
                let tag = read_tag(html, at);
                at = tag.end;
                tags.push(tag);
            }
        }
        Self {
            html: html.to_owned(),
            tags,
        }
    }

    /// All elements of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Tag> + 'a {
        self.tags.iter().filter(move |tag| tag.name == name)
    }

    /// The element of an id, which no two have.
    pub(crate) fn find(&self, id: &str) -> Option<&Tag> {
        let mut found = self
            .tags
            .iter()
            .filter(|tag| tag.attribute("id") == Some(id));
        let first = found.next();
        assert!(found.next().is_none(), "the id {id} is there twice");
        first
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    /// The text right after the start tag of an id.
    #[track_caller]
    pub(crate) fn text_of(&self, id: &str) -> String {
        let Some(tag) = self.find(id) else {
            panic!("no {id} in {}", self.html);
        };
        let text = &self.html[tag.end..];
        unescape(&text[..text.find('<').unwrap_or(text.len())])
    }

    /// The whole page.
    pub(crate) fn html(&self) -> &str {
        &self.html
    }

    /// What it is about: its first heading.
    #[track_caller]
    pub(crate) fn heading(&self) -> String {
        let heading = self.all("h1").next().expect("a heading");
        let text = &self.html[heading.end..];
        unescape(&text[..text.find('<').unwrap_or(text.len())])
    }

    /// Where its first link to a path goes.
    #[track_caller]
    pub(crate) fn link_to(&self, path: &str) -> &str {
        let mut targets = self.all("a").filter_map(|link| link.attribute("href"));
        let is_it = |target: &&str| target.split('?').next() == Some(path);
        targets
            .find(is_it)
            .unwrap_or_else(|| panic!("no link to {path} in {}", self.html))
    }

    /// Whether it links to a path.
    pub(crate) fn links_to(&self, path: &str) -> bool {
        let mut targets = self.all("a").filter_map(|link| link.attribute("href"));
        targets.any(|target| target.split('?').next() == Some(path))
    }

    /// Whether no element runs a script when something happens to it.
    pub(crate) fn is_without_handlers(&self) -> bool {
        let mut attributes = self.tags.iter().flat_map(|tag| &tag.attributes);
        !attributes.any(|(name, _)| name.starts_with("on"))
    }

    /// The language it is in.
    pub(crate) fn language(&self) -> &str {
        let html = self.all("html").next().expect("an html element");
        html.attribute("lang").expect("a language")
    }

    /// Where its one form goes.
    #[track_caller]
    pub(crate) fn action(&self) -> &str {
        let forms: Vec<_> = self.all("form").collect();
        assert_eq!(forms.len(), 1, "one form a page: {}", self.html);
        assert_eq!(forms[0].attribute("method"), Some("post"));
        forms[0].attribute("action").expect("an action")
    }

    /// Where the form of a button goes.
    #[track_caller]
    pub(crate) fn action_of(&self, button: &str) -> &str {
        let form = self.form_of(button).next().expect("a form");
        assert_eq!(form.attribute("method"), Some("post"));
        form.attribute("action").expect("an action")
    }

    /// The form of a button: its own tag, and what is in it and behind it up to the next.
    #[track_caller]
    fn form_of<'a>(&'a self, button: &str) -> impl Iterator<Item = &'a Tag> + 'a {
        let place = self
            .tags
            .iter()
            .position(|tag| tag.attribute("id") == Some(button));
        let Some(place) = place else {
            panic!("no {button} in {}", self.html);
        };
        let is_form = |tag: &Tag| tag.name == "form";
        let start = self.tags[..place].iter().rposition(is_form);
        let start = start.unwrap_or_else(|| panic!("{button} is in no form"));
        let mut begun = false;
        self.tags[start..].iter().take_while(move |tag| {
            let is_next = is_form(tag) && begun;
            begun = true;
            !is_next
        })
    }

    /// What the form of a button sends: the fields as they stand, `filled` in place of some of
    /// them, and the button.
    #[track_caller]
    pub(crate) fn fields(&self, filled: &[(&str, &str)], button: &str) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut select = None;
        for tag in self.form_of(button) {
            let (name, value) = match tag.name.as_str() {
                "input" => {
                    let name = tag.attribute("name").expect("a field has a name");
                    (name, tag.attribute("value").unwrap_or_default())
                }
                "select" => {
                    select = tag.attribute("name");
                    continue;
                }
                "option" if tag.attribute("selected").is_some() => {
                    let value = tag.attribute("value").expect("an option has a value");
                    (select.expect("an option is in a field"), value)
                }
                _ => continue,
            };
            let typed = filled.iter().find(|(field, _)| *field == name);
            let value = typed.map_or(value, |(_, typed)| typed);
            fields.push((name.to_owned(), value.to_owned()));
        }
        let button = self.find(button).expect("the button whose form it is");
        if let Some(name) = button.attribute("name") {
            let value = button.attribute("value").unwrap_or_default();
            fields.push((name.to_owned(), value.to_owned()));
        }
        fields
    }
}

fn read_tag(html: &str, start: usize) -> Tag {
    let is_end = |c: char| c.is_ascii_whitespace() || c == '>' || c == '/';
    let mut at = start + html[start..].find(is_end).expect("a tag ends");
    let name = html[start..at].to_owned();
    let mut attributes = Vec::new();
    loop {
        at += html[at..]
            .find(|c: char| !c.is_ascii_whitespace() && c != '/')
            .expect("a tag ends");
        if html[at..].starts_with('>') {
            let end = at + 1;
            return Tag {
                name,
                attributes,
                end,
            };
        }
        let length = html[at..]
            .find(|c: char| is_end(c) || c == '=')
            .expect("a tag ends");
        let key = html[at..at + length].to_owned();
        at += length;
        let mut value = String::new();
        if html[at..].starts_with('=') {
            assert!(html[at..].starts_with("=\""), "not quoted: {key}");
            let length = html[at + 2..].find('"').expect("a value ends");
            value = unescape(&html[at + 2..at + 2 + length]);
            at += length + 3;
        }
        attributes.push((key, value));
    }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&#x2f;", "/")
        .replace("&amp;", "&")
}
