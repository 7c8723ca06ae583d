//! Reading and writing TL's primitive values.
