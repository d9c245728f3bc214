//! Many points of the space of the parameters: where they lie, and what each parameter does.

pub mod design;
pub mod effects;
