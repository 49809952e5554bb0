//! A thread's own host: what it is asked, and variables that each of its threads has for itself.
#![cfg(feature = "simulation")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millpond_sync::host::{self, Call, Fault, Host, Place, Site};
use millpond_sync::{Deadline, Locals};

millpond_sync::local! {
    const COUNT: Cell<u32> = Cell::new(7);
}
millpond_sync::local! {
    const OTHER: Cell<u32> = Cell::new(7);
}

/// Runs two threads, of which one or the other has its turn as the test says.
struct Two {
    began: Instant,
    current: Cell<usize>,
    locals: [Rc<Locals>; 2],
    heard: RefCell<Vec<String>>,
}

impl Host for Two {
    fn now(&self) -> Instant {
        self.began
    }

    fn locals(&self) -> Option<Rc<Locals>> {
        self.locals.get(self.current.get()).cloned()
    }

    fn step(&self, site: Site, place: Option<Place<'_>>) {
        let place = place.map_or_else(String::new, |place| format!(" {} {:?}", place.name, place.part));
        self.heard.borrow_mut().push(format!("{site}{place}"));
    }

    fn call(&self, call: &Call<'_>) -> Option<Fault> {
        self.heard.borrow_mut().push(format!("calls {:?} with {} items", call.name, call.items));
        call.name.map(|_| Fault::Fail(1))
    }
}

/// The calling thread has a host, until this is dropped.
struct Hosted;

impl Drop for Hosted {
    fn drop(&mut self) {
        drop(host::replace(None));
    }
}

fn hosted() -> (Rc<Two>, Hosted) {
    let two = Rc::new(Two {
        began: Instant::now(),
        current: Cell::new(0),
        locals: Default::default(),
        heard: RefCell::default(),
    });
    assert!(host::replace(Some(Rc::clone(&two) as Rc<dyn Host>)).is_none());
    (two, Hosted)
}

#[test]
fn each_thread_of_a_host_has_its_own_value_and_the_systems_thread_keeps_its_own() {
    COUNT.with(|count| count.set(1));
    let (two, hosted) = hosted();
    COUNT.with(|count| assert_eq!(count.replace(2), 7));
    two.current.set(1);
    COUNT.with(|count| assert_eq!(count.replace(3), 7));
    assert_eq!(OTHER.with(Cell::get), 7, "two variables of one type are two");
    two.current.set(0);
    assert_eq!(COUNT.with(Cell::get), 2);
    // Where the host keeps none, it is the system's thread.
    two.current.set(2);
    assert_eq!(COUNT.with(Cell::get), 1);
    drop(hosted);
    assert_eq!(COUNT.with(Cell::get), 1);
}

#[test]
fn a_host_hears_of_steps_and_says_what_goes_wrong_in_calls() {
    let (two, hosted) = hosted();
    assert!(host::is_hosted() && host::is_simulated());
    let name: Arc<str> = "parse".into();
    host::step(Site::new("lists a job"));
    host::step_at(|| Some(Place { name: &name, part: Some(4) }), Site::new("made").with(3));
    let fault = host::call(|| Some(Call { name: Some(&name), number: 1, items: 5, timed: 5 }));
    assert_eq!(fault, Some(Fault::Fail(1)));
    assert_eq!(host::call(|| None), None);
    assert_eq!(*two.heard.borrow(), ["lists a job", "made 3 parse Some(4)", "calls Some(\"parse\") with 5 items"]);
    drop(hosted);
    assert!(!host::is_hosted());
    assert_eq!(host::call(|| unreachable!("there is no host")), None);
    host::step_at(|| unreachable!("there is no host"), Site::new("made"));
    assert_eq!(two.heard.borrow().len(), 3);
}

#[test]
fn what_a_host_does_not_say_is_the_systems() {
    let (two, _hosted) = hosted();
    assert_eq!(host::now(), two.began);
    assert!(!millpond_sync::Parker::with(|parker| parker.park_deadline(Deadline::after(Duration::ZERO))));
    host::sleep(Duration::from_micros(1));
    assert_eq!(host::wait(|| 3), 3);
    assert!(host::give_way() && !host::is_over());
}
