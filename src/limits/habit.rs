//! How much is remembered of what users, machines and principals are used to?

/// Values remembered of one user: countries, regions, autonomous systems, registered devices, device
/// tokens, operating systems, browsers, applications, factors. Beyond, the one goes that weighs least: its
/// days count half for every [`HABIT_FADES_DAYS`] without it (`state_evictions_total{table="user_habits"}`).
pub const HABITS_PER_USER: [usize; 9] = [16, 16, 32, 8, 16, 8, 8, 40, 8];

/// Days without a value of a user's after which its weight is half of what it was.
pub const HABIT_FADES_DAYS: i64 = 30;

/// Days without a value after which it is new to the user again. As long as a user's habits last, so that
/// whoever comes back from a long leave finds them.
pub const HABIT_QUIET_DAYS: i64 = 365;

/// Event time after which a user without an act is forgotten with all habits; ms. Longer than
/// [`super::USER_QUIET_MS`], so that an account that comes to life again is known for one.
pub const HABITS_QUIET_MS: i64 = 365 * 24 * 3_600_000;

/// Days with an act until an hour can be unusual for a user.
pub const HOURS_LEARNT_DAYS: u8 = 10;

/// Days after which the hours at which a user works count half.
pub const HOURS_FADE_DAYS: i64 = 28;

/// Clusters that one machine's keep-alives need in a constant period, to be told for what they are.
pub const KEEPALIVE_CLUSTERS: usize = 3;

/// The same for a browser, which people use as well.
pub const KEEPALIVE_BROWSER_CLUSTERS: usize = 6;

/// Clusters held of one machine; beyond, the oldest goes. No more than these can prove anything, so that it
/// is not counted.
pub const KEEPALIVE_BEATS: usize = 8;

/// Machines of one user that may send keep-alives; beyond, one that has proven no period goes first, then the
/// one longest silent (`state_evictions_total{table="user_machines"}`).
pub const MACHINES_PER_USER: usize = 4;

/// Networks that one machine's keep-alives came from; beyond, the one goes that had the fewest
/// (`state_evictions_total{table="user_homes"}`).
pub const HOMES_PER_MACHINE: usize = 4;

/// Clusters from one network until it is where the machine is at home for certain: two hours of a quarter
/// of an hour each.
pub const HOME_CLUSTERS: u32 = 8;

/// Event time after which a user's machines that were silent are forgotten; ms.
pub const MACHINES_QUIET_MS: i64 = 30 * 24 * 3_600_000;

/// Principals that are remembered in one shard for what they are (administrators, service accounts), and
/// token granters whose habits are held there; beyond, the one that stands lowest goes, of those the least
/// recently active (`state_evictions_total{table="principals"}`, `{table="granters"}`).
pub const PRINCIPALS_PER_SHARD: usize = 50_000;

/// Autonomous systems remembered for one token granter; beyond, as with all of its habits, the least
/// recently seen goes (`state_evictions_total{table="granter_habits"}`).
pub const SYSTEMS_PER_GRANTER: usize = 32;

/// Kinds of software remembered for one token granter.
pub const CLIENTS_PER_GRANTER: usize = 16;

/// Scopes remembered for one token granter.
pub const SCOPES_PER_GRANTER: usize = 64;

/// Grant types, and ways to prove who it is, remembered for one token granter, each.
pub const TYPES_PER_GRANTER: usize = 8;

/// Event time after which a trait of a token granter that was not seen is new again; ms.
pub const GRANTER_HABIT_QUIET_MS: i64 = 90 * 24 * 3_600_000;

/// Days on which programs, and nobody at a browser, must have used an account until it is a service account.
pub const SERVICE_DAYS: u8 = 10;

/// Days after which it no longer counts that somebody used an account at a browser, or that a principal did
/// anything else than get tokens.
pub const SERVICE_QUIET_DAYS: i64 = 60;

/// Days on which somebody must have used a service account at a browser until it is none.
pub const SERVICE_HAND_DAYS: u8 = 3;

/// Events of one user that Okta may answer, held to tell the cause of what it does; beyond, the oldest goes.
pub const CAUSES_PER_USER: usize = 4;

/// Event time after which what Okta does to a user is no answer to an event before, unless the two belong
/// together; ms.
pub const CAUSE_MS: i64 = 5 * 60_000;

/// Event time after which it is none in any case; ms.
pub const CAUSE_QUIET_MS: i64 = 3_600_000;

/// Tokens that a principal must get in a row, and from how many addresses, until that is all it does.
pub const ROUTINE_TOKENS: u8 = 24;

/// See [`ROUTINE_TOKENS`].
pub const ROUTINE_ADDRESSES: usize = 3;
