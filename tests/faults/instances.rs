//! Which instances of the program run, and what is done to them and to the brokers?

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::cluster::Cluster;
use crate::plan::{Action, INSTANCES, Lane};
use crate::support::service::{Service, Site};

const NAMES: [&str; INSTANCES + 1] = ["one", "two", "three"];

/// All instances there may be.
pub struct Instances<'s> {
    cluster: &'s Cluster,
    site: &'s Site<'s>,
    running: [Mutex<Option<Service>>; NAMES.len()],
    /// What was done and when, one line each.
    diary: Mutex<Vec<String>>,
    remarks: Mutex<Vec<String>>,
    shown: Mutex<Vec<(String, String)>>,
    began: Instant,
    /// Whether it is told at once as well.
    verbose: bool,
}

impl<'s> Instances<'s> {
    /// None runs yet.
    pub fn new(cluster: &'s Cluster, site: &'s Site<'s>, verbose: bool) -> Self {
        Self {
            cluster,
            site,
            running: Default::default(),
            diary: Mutex::default(),
            remarks: Mutex::default(),
            shown: Mutex::default(),
            began: Instant::now(),
            verbose,
        }
    }

    /// Starts the first so many and waits until they are ready.
    pub fn begin(&self, instances: usize) {
        for (slot, name) in self.running.iter().zip(NAMES).take(instances) {
            *locked(slot) = Some(self.site.run(name));
        }
        self.note("all instances are ready");
    }

    /// Goes through a lane of a plan.
    pub fn go_through(&self, lane: &Lane) {
        for step in lane {
            std::thread::sleep(step.after);
            self.act(step.action);
            self.note(&format!("{:?}", step.action));
        }
    }

    /// Writes down what happened now.
    pub fn note(&self, what: &str) {
        let line = format!("{:9.3}  {what}", self.began.elapsed().as_secs_f64());
        if self.verbose {
            eprintln!("{line}");
        }
        locked(&self.diary).push(line);
    }

    /// What was written down.
    pub fn diary(&self) -> String {
        locked(&self.diary).iter().map(|line| format!("{line}\n")).collect()
    }

    /// Does what an orchestrator does: one that ended, or that says itself that it stands still, is started
    /// again. Not while things go wrong: who does not answer then may be paused.
    pub fn tend(&self) {
        for (slot, name) in self.running.iter().zip(NAMES) {
            let mut slot = locked(slot);
            let Some(service) = slot.as_mut() else { continue };
            let why = if !service.is_running() {
                "ended by itself"
            } else if service.get("/healthz").0 == 503 {
                "stood still"
            } else {
                continue;
            };
            locked(&self.remarks).push(format!("{name} {why} and was started again"));
            self.note(&format!("{name} {why}"));
            locked(&self.shown).extend(shown(name, service, true));
            // The one before is killed, if it is still there.
            *slot = Some(self.site.launch(name));
        }
    }

    /// What had to be done that no plan foresaw.
    pub fn remarks(&self) -> Vec<String> {
        locked(&self.remarks).clone()
    }

    /// What each that runs shows of itself, and what those showed that stood still, as files with their names.
    pub fn shown(&self, stacks: bool) -> Vec<(String, String)> {
        let mut files = locked(&self.shown).clone();
        for (slot, name) in self.running.iter().zip(NAMES) {
            if let Some(service) = locked(slot).as_ref() {
                files.extend(shown(name, service, stacks));
            }
        }
        files
    }

    /// Tells all to end; those that did not end in order.
    pub fn end(&self) -> Vec<&'static str> {
        let badly = |slot: &Mutex<Option<Service>>| {
            locked(slot).take().is_some_and(|service| !service.terminate().success())
        };
        self.running.iter().zip(NAMES).filter(|(slot, _)| badly(slot)).map(|(_, name)| name).collect()
    }

    fn act(&self, action: Action) {
        let with = |instance: usize, what: fn(&Service)| {
            locked(&self.running[instance]).iter().for_each(what);
        };
        match action {
            Action::Kill(instance) => {
                locked(&self.running[instance]).take().into_iter().for_each(Service::kill)
            }
            Action::Terminate(instance) => self.terminate(instance),
            Action::Start(instance) => {
                *locked(&self.running[instance]) = Some(self.site.launch(NAMES[instance]));
            }
            Action::Pause(instance) => with(instance, Service::pause),
            Action::Resume(instance) => with(instance, Service::resume),
            Action::KillBroker(node) => self.cluster.broker.kill(node),
            Action::StartBroker(node) => self.cluster.broker.restart(node),
            Action::PauseBroker(node) => self.cluster.pause(node),
            Action::ResumeBroker(node) => self.cluster.resume(node),
            Action::Way(node, way) => self.cluster.way(node, way),
        }
    }

    fn terminate(&self, instance: usize) {
        let Some(service) = locked(&self.running[instance]).take() else { return };
        let ended = service.terminate();
        assert!(ended.success(), "instance {} was told to end and ended with {ended}", NAMES[instance]);
    }
}

/// Its pages, and the stacks of its threads where there is a debugger to ask.
fn shown(name: &str, service: &Service, stacks: bool) -> Vec<(String, String)> {
    let at = jiff::Timestamp::now().as_second();
    let mut files = Vec::new();
    for page in ["metrics", "healthz", "readyz"] {
        let (status, text) = service.get(&format!("/{page}"));
        files.push((format!("{name}-{at}.{page}"), format!("{status}\n{text}")));
    }
    if stacks {
        files.push((format!("{name}-{at}.stacks"), stacks_of(service.process())));
    }
    files
}

fn stacks_of(process: u32) -> String {
    let mut debugger = Command::new("gdb");
    debugger.args(["-batch", "-ex", "thread apply all backtrace 40", "-p", &process.to_string()]);
    debugger.output().map_or_else(
        |error| format!("gdb: {error}"),
        |stacks| String::from_utf8_lossy(&stacks.stdout).into_owned(),
    )
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
