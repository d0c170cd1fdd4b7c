//! Which parts of an event do most questions about it need?

use crate::model::{FieldId, Fields, core};

/// What is asked of an event, with the texts that most questions are about; empty where there is none.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub fields: &'a Fields,
    pub event_type: &'a str,
    /// Type, id and login of the actor.
    pub kind: &'a str,
    pub id: &'a str,
    pub login: &'a str,
    /// The user agent.
    pub agent: &'a str,
    /// Where the request went, without its query.
    pub path: &'a str,
}

impl<'a> Asked<'a> {
    /// About the fields of an event.
    pub fn of(fields: &'a Fields) -> Self {
        let text = |id| fields.text(id).unwrap_or_default();
        let uri = text(core::REQUEST_URI);
        Self {
            fields,
            event_type: text(core::EVENT_TYPE),
            kind: text(core::ACTOR_TYPE),
            id: text(core::ACTOR_ID),
            login: text(core::ACTOR_ALTERNATE_ID),
            agent: text(core::CLIENT_USER_AGENT),
            path: uri.split_once('?').map_or(uri, |(path, _)| path),
        }
    }

    /// A field's text; empty where there is none.
    pub fn text(&self, id: FieldId) -> &'a str {
        self.fields.text(id).unwrap_or_default()
    }

    /// Whether an API token makes the request.
    pub fn has_api_token(&self) -> bool {
        self.fields.exists(core::API_TOKEN_ID)
    }

    /// Whether a browser makes it.
    pub fn is_browser(&self) -> bool {
        self.agent.starts_with("Mozilla/") || self.agent.starts_with("Opera/")
    }
}
