//! The few calls of EC2 that peering and routes need, spoken in EC2's own Query protocol.
//!
//! The answer is XML of a fixed shape. [`Element`] reads just as much of XML as these answers have.

use std::time::Duration;

use reqwest::Method;
use understudy_policies::model::RegionName;

use super::Connections;
use super::request::Request;
use super::trouble::{Trouble, TroubleKind};

/// The version of EC2's API.
const VERSION: &str = "2016-11-15";
const TRIES_MAX: u32 = 4;
pub(super) const TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// EC2 in one region.
#[derive(Debug, Clone)]
pub struct Ec2<'a> {
    connections: &'a Connections,
    region: &'a RegionName,
}

impl<'a> Ec2<'a> {
    /// EC2 in a region.
    #[must_use]
    pub const fn new(connections: &'a Connections, region: &'a RegionName) -> Self {
        Self { connections, region }
    }

    /// One call. `parameters` are those of the API reference, lists counted from 1.
    ///
    /// # Errors
    /// When EC2 refuses it or does not answer.
    pub async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Element, Trouble> {
        let mut body = format!("Action={action}&Version={VERSION}");
        for (name, value) in parameters {
            body.push_str(&format!("&{}={}", encoded(name), encoded(value)));
        }
        let mut tries = 0;
        loop {
            tries += 1;
            match self.send(action, &body).await {
                Err(trouble)
                    if tries < TRIES_MAX && trouble.is(&["RequestLimitExceeded", "InternalError", "Unavailable"]) =>
                {
                    tokio::time::sleep(Duration::from_millis(200) * 2_u32.pow(tries)).await;
                }
                answer => return answer,
            }
        }
    }

    async fn send(&self, action: &str, body: &str) -> Result<Element, Trouble> {
        let permission = format!("ec2:{action}");
        let request = Request {
            connections: self.connections,
            region: self.region,
            method: Method::POST,
            host: None,
            path: "",
            service: "ec2",
            variable: "EC2",
            permission: &permission,
            headers: &[("content-type", TYPE)],
            body,
        };
        let answer = request.send().await?;
        let root = Element::read(&answer.text)
            .ok_or_else(|| request.trouble(TroubleKind::Call, "the answer is not XML; is this EC2's endpoint?"))?;
        if answer.good {
            return Ok(root);
        }
        let (code, said) = (root.deep("Code"), root.deep("Message"));
        Err(Trouble::of(&permission, self.region.as_str(), code, said))
    }
}

pub(super) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// An element of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// The elements of the list `name`, each an `item`.
    pub fn items<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        let lists = self.children.iter().filter(move |child| child.name == name);
        lists.flat_map(|list| list.children.iter().filter(|child| child.name == "item"))
    }

    /// The text at a path, or nothing.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> &str {
        match path {
            [] => &self.text,
            [first, rest @ ..] => self
                .children
                .iter()
                .find(|child| child.name == *first)
                .map_or("", |child| child.at(rest)),
        }
    }

    /// The text of the first element of this name, however deep.
    pub(super) fn deep(&self, name: &str) -> &str {
        if self.name == name {
            return &self.text;
        }
        let mut found = self.children.iter().map(|child| child.deep(name));
        found.find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// The value of a tag in a `tagSet`.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.items("tagSet")
            .find(|tag| tag.at(&["key"]) == key)
            .map(|tag| tag.at(&["value"]))
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let mut open: Vec<Self> = vec![Self::default()];
        let mut rest = text;
        while let Some(start) = rest.find('<') {
            open.last_mut()?.text.push_str(&unescaped(rest[..start].trim()));
            let end = start + rest[start..].find('>')?;
            let tag = &rest[start + 1..end];
            rest = &rest[end + 1..];
            if tag.starts_with(['?', '!']) {
                continue;
            }
            if tag.starts_with('/') {
                let closed = open.pop()?;
                open.last_mut()?.children.push(closed);
                continue;
            }
            let name = tag.trim_end_matches('/').split_whitespace().next()?.to_owned();
            let element = Self {
                name,
                ..Self::default()
            };
            if tag.ends_with('/') {
                open.last_mut()?.children.push(element);
            } else {
                open.push(element);
            }
        }
        let [root] = open.try_into().ok()?;
        let mut root: Self = root;
        (root.children.len() == 1).then(|| root.children.remove(0))
    }
}

fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for (escaped, plain) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(escaped, plain);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let text = "<?xml version=\"1.0\"?>\n<R xmlns=\"x\"><set><item><id>a&amp;b</id><tagSet><item><key>k</key>\
                    <value>v</value></item></tagSet></item><item><id>c</id></item></set><empty/></R>";
        let root = Element::read(text).unwrap();
        let ids: Vec<&str> = root.items("set").map(|item| item.at(&["id"])).collect();
        assert_eq!(ids, ["a&b", "c"]);
        assert_eq!(root.items("set").next().unwrap().tag("k"), Some("v"));
        assert_eq!(Element::read("<a><b></a>"), None);
        assert_eq!(Element::read("no"), None);
    }

    #[test]
    fn parameters_are_encoded() {
        assert_eq!(encoded("a b/10.0.0.0~"), "a%20b%2F10.0.0.0~");
    }
}
