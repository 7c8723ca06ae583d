//! The Diffie-Hellman group: which primes and generators are safe.
