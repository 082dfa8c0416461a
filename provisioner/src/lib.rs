//! What exists: the provisioner of the two-region resources. Nothing is here yet but its place in the workspace;
//! see `docs/requirements.md` (R1 to R10) for what it is going to create.
