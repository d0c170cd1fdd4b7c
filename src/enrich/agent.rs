//! Which program calls, and can it be the one that called before?
//!
//! A user agent says which program on which platform calls, and in which version. The same program on the
//! same platform in a later version has been updated, as browsers are every few weeks. Another program,
//! another platform, or a version that went back is somewhere else.

use compact_str::CompactString;
use xxhash_rust::xxh3::xxh3_64;

use crate::durable;
use crate::text::cut;

/// Hundredths of likeness below which two user agents are not of one program on one machine.
pub(super) const SAME_CLIENT: u8 = 70;

/// Bytes of the name of a program; the rest is cut.
const NAME_BYTES: usize = 48;

/// What a browser is told by: what its user agent holds, and the program's name. All browsers claim to be
/// those further down.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "edge"),
    ("EdgA/", "edge"),
    ("EdgiOS/", "edge"),
    ("OPR/", "opera"),
    ("SamsungBrowser/", "samsung"),
    ("Vivaldi/", "vivaldi"),
    ("YaBrowser/", "yandex"),
    ("FxiOS/", "firefox"),
    ("Firefox/", "firefox"),
    ("HeadlessChrome/", "headless-chrome"),
    ("CriOS/", "chrome"),
    ("Chrome/", "chrome"),
    ("Version/", "safari"),
];

/// What a platform is told by, the more telling first.
const PLATFORMS: &[(&str, Platform)] = &[
    ("Windows", Platform::Windows),
    ("Android", Platform::Android),
    ("iPhone", Platform::Ios),
    ("iPad", Platform::Ios),
    ("iOS", Platform::Ios),
    ("CrOS", Platform::ChromeOs),
    ("Mac", Platform::Mac),
    ("Darwin", Platform::Mac),
    ("Linux", Platform::Linux),
];

/// What a program runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Platform {
    #[default]
    Unknown,
    Windows,
    Mac,
    Linux,
    ChromeOs,
    Android,
    Ios,
}

/// What is kept of a user agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Agent {
    /// Hash of the whole text.
    whole: u32,
    /// Hash of the program's name.
    program: u32,
    platform: u8,
    /// The first number of the version.
    version: u32,
}

/// What is kept of an operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct System {
    /// Hash of the whole text.
    whole: u32,
    platform: u8,
}

durable!(Agent { whole, program, platform, version });
durable!(System { whole, platform });

/// A text as a number to compare it by.
pub(super) fn hash(text: &str) -> u32 {
    // Compared only within what is held of one session or user: 32 bits are enough.
    xxh3_64(text.as_bytes()) as u32
}

impl Agent {
    /// Takes a user agent apart, unless it is one that was taken apart before.
    pub fn read(text: &str, before: Option<Self>) -> Self {
        let whole = hash(text);
        if let Some(before) = before.filter(|before| before.whole == whole) {
            return before;
        }
        let (name, version) = program(text);
        Self { whole, program: hash(&name), platform: platform(text) as u8, version }
    }

    /// How likely this one was the other before, in hundredths; 100: they are the same.
    pub fn likeness(self, earlier: Self) -> u8 {
        if self.whole == earlier.whole {
            return 100;
        }
        match (self.program == earlier.program, self.platform == earlier.platform) {
            (true, true) if self.version == earlier.version => 95,
            (true, true) if self.version > earlier.version => 90,
            (true, true) => 60,
            (false, true) if self.platform != Platform::Unknown as u8 => 40,
            (true, false) => 30,
            _ => 0,
        }
    }
}

/// The platform that a text names: a user agent, or an operating system as Okta writes it.
fn platform(text: &str) -> Platform {
    let named = PLATFORMS.iter().find(|(mark, _)| text.contains(mark));
    named.map_or(Platform::Unknown, |(_, platform)| *platform)
}

impl System {
    /// Takes an operating system apart, as Okta writes it.
    pub fn read(text: &str) -> Self {
        Self { whole: hash(text), platform: platform(text) as u8 }
    }

    /// Whether the other is of another platform, not only in another version.
    pub fn is_other(self, other: Self) -> bool {
        if self.platform == Platform::Unknown as u8 {
            self.whole != other.whole
        } else {
            self.platform != other.platform
        }
    }
}

/// The name of the program behind a user agent, lower case.
pub(super) fn name(text: &str) -> CompactString {
    program(text).0
}

fn program(text: &str) -> (CompactString, u32) {
    if text.starts_with("Mozilla/") || text.starts_with("Opera/") {
        let found = BROWSERS.iter().find_map(|(mark, name)| Some((text.split_once(mark)?.1, *name)));
        if let Some((rest, name)) = found {
            return (name.into(), number(rest));
        }
    }
    let first = text.split_whitespace().next().unwrap_or_default();
    let (name, rest) = first.split_once('/').unwrap_or((first, ""));
    (cut(&name.to_lowercase(), NAME_BYTES).into(), number(rest))
}

/// The number a text begins with.
fn number(text: &str) -> u32 {
    let digits = text.bytes().take_while(u8::is_ascii_digit).take(9);
    digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
    const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0";
    const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    fn likeness(earlier: &str, later: &str) -> u8 {
        Agent::read(later, None).likeness(Agent::read(earlier, None))
    }

    #[test]
    fn a_program_is_known_by_its_own_mark() {
        let told = |text| program(text);
        assert_eq!(told(CHROME), ("chrome".into(), 143));
        assert_eq!(told(EDGE), ("edge".into(), 143));
        assert_eq!(told(SAFARI), ("safari".into(), 26));
        assert_eq!(told(FIREFOX), ("firefox".into(), 140));
        assert_eq!(told("Go-http-client/2.0"), ("go-http-client".into(), 2));
        assert_eq!(told("python-requests/2.32.5"), ("python-requests".into(), 2));
        assert_eq!(told("Okta-Integrations"), ("okta-integrations".into(), 0));
        assert_eq!(told(""), ("".into(), 0));
    }

    #[test]
    fn an_update_is_the_same_client_and_a_step_back_is_not() {
        let newer = CHROME.replace("143", "144");
        assert_eq!(likeness(CHROME, CHROME), 100);
        assert_eq!(likeness(CHROME, &newer), 90);
        assert!(likeness(CHROME, &newer) >= SAME_CLIENT);
        assert_eq!(likeness(&newer, CHROME), 60);
        assert!(likeness(&newer, CHROME) < SAME_CLIENT);
        assert_eq!(likeness(CHROME, &CHROME.replace("10_15_7", "10_15_8")), 95);
    }

    #[test]
    fn another_program_or_platform_is_another_client() {
        assert_eq!(likeness(CHROME, SAFARI), 40);
        assert_eq!(likeness(CHROME, EDGE), 0);
        assert_eq!(
            likeness(CHROME, &CHROME.replace("Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")),
            30
        );
        assert_eq!(
            likeness("Go-http-client/2.0", "curl/8.1"),
            0,
            "that neither names a platform is nothing alike"
        );
    }

    #[test]
    fn what_was_taken_apart_before_is_not_again() {
        let before = Agent { whole: hash(CHROME), program: 1, platform: 2, version: 3 };
        assert_eq!(Agent::read(CHROME, Some(before)), before);
        assert_ne!(Agent::read(CHROME, None), before);
    }

    #[test]
    fn an_operating_system_is_known_by_its_platform() {
        let is_other = |one, other| System::read(one).is_other(System::read(other));
        assert!(!is_other("Mac OS 14.5 (Sonoma)", "Mac OS X"));
        assert!(
            is_other("Mac OS X", "Linux") && is_other("Mac OS X", "Plan 9") && is_other("Plan 9", "Mac OS X")
        );
        assert!(!is_other("Plan 9", "Plan 9") && is_other("Plan 9", "Inferno"));
    }
}
