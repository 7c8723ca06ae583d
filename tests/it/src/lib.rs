//! A package has a library; the tests are in `main.rs`.
