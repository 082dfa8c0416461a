//! A field as it was found, so that a wrong type is reported with its path instead of a parser's message.
//!
//! serde stops at the first value of a wrong type and says where in the text, not which field. A [`Slot`] takes any
//! value, remembers what it was, and is judged when someone asks for it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::rejection::Reason;

/// What stands where a field was expected.
#[derive(Debug, Default)]
pub(super) enum Slot<T> {
    /// The field is missing, or null.
    #[default]
    Absent,
    /// It has the right type.
    Given(T),
    /// It has another type: which.
    Other(&'static str),
}

impl<T> Slot<T> {
    pub(super) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<T: Shape> Slot<T> {
    /// The value, which must be there.
    pub(super) fn required(self, path: &'static str) -> Result<T, Reason> {
        self.optional(path)?.ok_or(Reason::MissingField { path })
    }

    /// The value, which must have the right type if it is there.
    pub(super) fn optional(self, path: &'static str) -> Result<Option<T>, Reason> {
        match self {
            Self::Absent => Ok(None),
            Self::Given(value) => Ok(Some(value)),
            Self::Other(found) => Err(Reason::WrongType {
                path,
                expected: T::EXPECTED,
                found,
            }),
        }
    }
}

/// What a person would call a type.
pub(super) trait Shape {
    /// Completes "expected …".
    const EXPECTED: &'static str;
}

/// A type that can be read from some kind of JSON value. Every kind is refused unless the type says otherwise.
pub(super) trait Read<'de>: Shape + Sized {
    fn text(_: Cow<'de, str>) -> Option<Self> {
        None
    }
    fn whole(_: u64) -> Option<Self> {
        None
    }
    fn flag(_: bool) -> Option<Self> {
        None
    }
    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    fn array<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl Shape for Cow<'_, str> {
    const EXPECTED: &'static str = "a string";
}

impl<'de: 'a, 'a> Read<'de> for Cow<'a, str> {
    fn text(text: Cow<'de, str>) -> Option<Self> {
        Some(text)
    }
}

impl Shape for u64 {
    const EXPECTED: &'static str = "a whole number";
}

impl Read<'_> for u64 {
    fn whole(number: u64) -> Option<Self> {
        Some(number)
    }
}

impl Shape for bool {
    const EXPECTED: &'static str = "true or false";
}

impl Read<'_> for bool {
    fn flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

/// Lets a struct that derives `Deserialize` stand in a [`Slot`].
macro_rules! object {
    ($name:ident<$lifetime:lifetime>) => {
        impl crate::decode::slot::Shape for $name<'_> {
            const EXPECTED: &'static str = "an object";
        }
        impl<'de: $lifetime, $lifetime> crate::decode::slot::Read<'de> for $name<$lifetime> {
            fn object<A: serde::de::MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
                serde::Deserialize::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Some)
            }
        }
    };
}
pub(super) use object;

impl<'de, T: Read<'de>> Deserialize<'de> for Slot<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SlotVisitor(PhantomData))
    }
}

struct SlotVisitor<T>(PhantomData<T>);

impl<'de, T: Read<'de>> Visitor<'de> for SlotVisitor<T> {
    type Value = Slot<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(T::text(Cow::Borrowed(text)).map_or(Slot::Other("a string"), Slot::Given))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        // Only a text with escapes in it comes this way.
        Ok(T::text(Cow::Owned(text.to_owned())).map_or(Slot::Other("a string"), Slot::Given))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(T::whole(number).map_or(Slot::Other("a number"), Slot::Given))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Slot::Other("a negative number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Slot::Other("a number that is not whole or too large"))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(T::flag(flag).map_or(Slot::Other("true or false"), Slot::Given))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Slot::Absent)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(T::object(map)?.map_or(Slot::Other("an object"), Slot::Given))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        Ok(T::array(items)?.map_or(Slot::Other("an array"), Slot::Given))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a, T: Read<'a>>(json: &'a str) -> Result<T, Reason> {
        let slot: Slot<T> = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        slot.required("place")
    }

    #[test]
    fn null_counts_as_missing() {
        assert_eq!(
            read::<Cow<'_, str>>("null"),
            Err(Reason::MissingField { path: "place" })
        );
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        assert!(matches!(read::<Cow<'_, str>>(r#""plain""#), Ok(Cow::Borrowed("plain"))));
        assert!(matches!(read::<Cow<'_, str>>(r#""a\tb""#), Ok(Cow::Owned(text)) if text == "a\tb"));
    }

    #[test]
    fn any_other_type_is_named() {
        for (json, found) in [
            ("7", "a number"),
            ("-7", "a negative number"),
            ("7.5", "a number that is not whole or too large"),
            ("true", "true or false"),
            ("{\"a\":[1]}", "an object"),
            ("[{\"a\":1}]", "an array"),
        ] {
            assert_eq!(
                read::<Cow<'_, str>>(json),
                Err(Reason::WrongType {
                    path: "place",
                    expected: "a string",
                    found
                })
            );
        }
    }

    #[test]
    fn a_number_beyond_64_bits_is_not_whole() {
        assert_eq!(read::<u64>("18446744073709551615"), Ok(u64::MAX));
        assert!(matches!(
            read::<u64>("18446744073709551616"),
            Err(Reason::WrongType { .. })
        ));
    }
}
