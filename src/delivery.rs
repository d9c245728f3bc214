//! Step 3 of a month, delivery: records flow to agencies, as fast as they can be integrated.

use crate::world::World;

/// Moves every delivered share towards its target, by the integration rate at most.
pub fn deliver(world: &mut World) {
    let rate = world.parameters.behaviour.integration_rate;
    let open: Vec<bool> = (0..world.agencies.len()).map(|a| world.open(a)).collect();
    let persons = world.weight * world.rules.consent.unwrap_or(1.0);
    for platform in &mut world.platforms {
        for (a, _) in open.iter().enumerate().filter(|(_, open)| **open) {
            let before = platform.delivered[a];
            platform.delivered[a] = approach(before, platform.target[a], rate);
            let more = (platform.delivered[a] - before).max(0.0);
            world.record.newly_delivered[a] += more * platform.members as f64 * persons;
        }
    }
}

/// One month's step from `share` to `target` at `rate`.
fn approach(share: f64, target: f64, rate: f64) -> f64 {
    share + (target - share).clamp(-rate, rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integration_takes_its_time() {
        assert_eq!(approach(0.0, 1.0, 0.25), 0.25);
        assert_eq!(approach(0.875, 1.0, 0.25), 1.0);
        assert_eq!(approach(1.0, 0.0, 0.25), 0.75);
        assert_eq!(approach(0.5, 0.5, 0.25), 0.5);
        assert_eq!(approach(0.5, 1.0, 0.0), 0.5);
    }
}
