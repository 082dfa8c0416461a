//! What must hold across crates; the tests are under `tests/`.
