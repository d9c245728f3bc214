//! The agents: what each holds, and how it comes into being.

pub mod agencies;
pub mod ahead;
pub mod banks;
pub mod central_bank;
pub mod platforms;
pub mod users;
