//! Clients that others wrote, against our data center: two implementations of one's own can share
//! one mistake. `grammers/` is a test of this package; `run` starts it and the others.
