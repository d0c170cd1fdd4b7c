//! How does the whole pipeline look to someone who has just found it?
use super::args::DemoArgs;
use super::exit::{Exit, Outcome};
pub(super) fn run(_arguments: &DemoArgs) -> Outcome {
    Ok(Exit::Good)
}
