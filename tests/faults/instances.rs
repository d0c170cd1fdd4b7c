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
            diary: Mutex::new(Vec::new()),
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

    /// Instances that ended although nobody told them to.
    pub fn ended_by_themselves(&self) -> Vec<&'static str> {
        let ended = |slot: &Mutex<Option<Service>>| {
            locked(slot).as_mut().is_some_and(|service| !service.is_running())
        };
        self.running.iter().zip(NAMES).filter(|(slot, _)| ended(slot)).map(|(_, name)| name).collect()
    }

    /// What each that runs shows of itself, as files with their names; the stacks of its threads too, where
    /// there is a debugger to ask.
    pub fn shown(&self, stacks: bool) -> Vec<(String, String)> {
        let mut files = Vec::new();
        for (slot, name) in self.running.iter().zip(NAMES) {
            let slot = locked(slot);
            let Some(service) = slot.as_ref() else { continue };
            for page in ["metrics", "healthz", "readyz"] {
                let (status, text) = service.get(&format!("/{page}"));
                files.push((format!("{name}.{page}"), format!("{status}\n{text}")));
            }
            if stacks {
                files.push((format!("{name}.stacks"), stacks_of(service.process())));
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
