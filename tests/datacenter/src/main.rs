//! The data center on its own.

fn main() {}
