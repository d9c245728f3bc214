//! One month of the world.

use crate::agents::users::in_chunks;
use crate::credit::{Desk, Lending};
use crate::repayment::Repayment;
use crate::world::World;
use crate::{accounts, compliance, credit, delivery, exposure, repayment, rules, sourcing, supervision};

/// Steps the world by one month.
///
/// The order is an assumption. Rules come first, since everybody knows them; platforms move before
/// banks, since banks buy what there is; old loans are served before new ones are made, so that a
/// default bars the person from this month's loan; audits see what was sold; a breach loses what
/// is held at the end; accounts close last.
///
/// All choices read the state at the end of the month before.
pub fn step_month(world: &mut World) {
    accounts::open_month(world);
    rules::come_into_force(world);
    compliance::choose(world);
    delivery::deliver(world);
    sourcing::choose(world);
    repay_and_lend(world);
    supervision::supervise(world);
    exposure::expose(world);
    accounts::settle(world);
}

/// Repayment and credit. Lending looks at no other block and at no books, so each block goes through both
/// while it is at hand, and the books follow.
fn repay_and_lend(world: &mut World) {
    let (repayment, lending) = (Repayment::new(world), Lending::new(world));
    in_chunks(&mut world.blocks, &mut world.tallies, world.stop, Desk::default, |block, desk, tally| {
        block.fetch();
        repayment.serve(block, tally);
        lending.serve(block, desk, tally);
    });
    world.add_tallies();
    repayment::book(world);
    credit::book(world);
}
