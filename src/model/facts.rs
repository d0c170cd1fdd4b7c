//! How is kept what most likely nobody will ever look at?
//!
//! Of the events that are held in windows, an alert shows few. So what can be shown of one is kept as the bytes
//! in which it goes to the changelog, a quarter of what it takes to be looked at, and read when that is asked
//! for. What windows themselves ask of an event stands beside.

use std::fmt;
use std::sync::OnceLock;

use compact_str::CompactString;

use super::EventFacts;

/// What is shown of an event, perhaps not read yet.
#[derive(Clone, Default)]
pub struct Facts {
    written: Option<Written>,
    seen: OnceLock<Box<EventFacts>>,
    /// What was made here, or changed: it stands for itself.
    own: Option<Box<EventFacts>>,
}

/// Facts as bytes.
#[derive(Clone, Debug)]
pub struct Written {
    /// Okta's id of the event.
    pub uuid: CompactString,
    /// When, ms since the epoch.
    pub published_ms: i64,
    /// What whoever wrote it wants to know without reading it.
    pub mark: u8,
    /// The bytes.
    pub bytes: Box<[u8]>,
    /// Reads them.
    pub read: fn(&[u8]) -> EventFacts,
}

impl Facts {
    /// All of it.
    pub fn get(&self) -> &EventFacts {
        match &self.own {
            Some(own) => own,
            None => self.seen.get_or_init(|| Box::new(self.read())),
        }
    }

    /// All of it, to be changed.
    pub fn to_mut(&mut self) -> &mut EventFacts {
        if self.own.is_none() {
            self.own = Some(self.seen.take().unwrap_or_else(|| Box::new(self.read())));
        }
        self.own.get_or_insert_default()
    }

    /// The bytes, if it is as it was written.
    pub fn written(&self) -> Option<&Written> {
        self.written.as_ref().filter(|_| self.own.is_none())
    }

    /// Okta's id of the event.
    pub fn uuid(&self) -> &CompactString {
        self.written().map_or_else(|| &self.get().uuid, |written| &written.uuid)
    }

    /// When, ms since the epoch.
    pub fn published_ms(&self) -> i64 {
        self.written().map_or_else(|| self.get().published_ms, |written| written.published_ms)
    }

    fn read(&self) -> EventFacts {
        self.written.as_ref().map(|written| (written.read)(&written.bytes)).unwrap_or_default()
    }
}

impl fmt::Debug for Facts {
    /// What it shows, in whichever form it is held.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(out)
    }
}

impl From<EventFacts> for Facts {
    fn from(own: EventFacts) -> Self {
        Self { own: Some(Box::new(own)), ..Self::default() }
    }
}

impl From<Written> for Facts {
    fn from(written: Written) -> Self {
        Self { written: Some(written), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(number: u8) -> Facts {
        let read = |bytes: &[u8]| EventFacts {
            uuid: "u".into(),
            published_ms: 7,
            display_message: format!("{bytes:?}"),
            ..EventFacts::default()
        };
        Facts::from(Written {
            uuid: "u".into(),
            published_ms: 7,
            mark: 3,
            bytes: [number].as_slice().into(),
            read,
        })
    }

    #[test]
    fn it_is_read_when_it_is_asked_for_and_what_is_changed_stands_for_itself() {
        let mut facts = written(5);
        assert_eq!((facts.uuid().as_str(), facts.published_ms()), ("u", 7));
        assert!(facts.seen.get().is_none(), "nobody asked");
        assert_eq!(facts.get().display_message, "[5]");
        facts.to_mut().uuid = "other".into();
        assert_eq!((facts.uuid().as_str(), facts.get().display_message.as_str()), ("other", "[5]"));
        assert!(facts.written().is_none());
    }
}
