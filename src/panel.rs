//! The panel: the first users of the sample, on whom the closed forms behind strategic choices are
//! evaluated. It is small and fixed, so a utility has no sampling error from month to month.

use crate::agents::users::Block;
use crate::information::{PlatformSet, platforms_in};
use crate::pooling::Delivered;
use crate::random::{Key, Purpose};
use crate::scenario::parameters::Parameters;
use crate::screening::{LendingTerms, Screen};

/// The most users in a panel.
const PANEL: usize = 1000;

/// A person of the panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Number of the user.
    pub user: u32,
    /// Credit quality z.
    pub quality: f64,
    /// Whether the credit file is thin.
    pub thin_file: bool,
    /// Memberships.
    pub memberships: PlatformSet,
    /// The person consents where the share of persons who consent is above this.
    pub consent_threshold: f64,
    /// Sum of credit weights of the memberships.
    weight: f64,
}

/// The panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Persons, in the order of users.
    pub persons: Vec<Person>,
    /// Credit weights, by platform.
    weights: Vec<f64>,
}

/// The probabilities of approval at the banks that partner with platforms, without data and with
/// a platform's own score, for thick and thin files.
pub struct PartnerScreens {
    terms: LendingTerms,
    /// Own precision of partner banks: thick file, thin file.
    own: [f64; 2],
    without: [Screen; 2],
    with_own_score: Vec<[Screen; 2]>,
}

impl Panel {
    /// The panel of a population: the users of its first block.
    pub fn new(first: &Block, parameters: &Parameters, key: Key) -> Panel {
        let weights: Vec<f64> = parameters.platforms.iter().map(|entry| entry.row.credit_weight).collect();
        let person = |place: usize| {
            let (user, memberships) = (first.user(place), first.memberships(place));
            Person {
                user,
                quality: first.quality(place),
                thin_file: first.thin_file(place),
                memberships,
                consent_threshold: key.uniform(Purpose::Consent, user, 0, 0),
                weight: platforms_in(memberships).map(|p| weights[p]).sum(),
            }
        };
        Panel { persons: (0..first.len().min(PANEL)).map(person).collect(), weights }
    }

    /// The share of a person's applications through platforms that go through `platform`.
    pub fn share_of(&self, person: &Person, platform: usize) -> f64 {
        if person.memberships >> platform & 1 == 1 { self.weights[platform] / person.weight } else { 0.0 }
    }

    /// The panel mean of the share of a person's applications that go through `platform`.
    pub fn credit_share(&self, platform: usize) -> f64 {
        self.applicants(platform).map(|(_, share)| share).sum::<f64>() / self.persons.len() as f64
    }

    /// Persons who may come through `platform`, with the share of their applications that does.
    fn applicants(&self, platform: usize) -> impl Iterator<Item = (&Person, f64)> {
        let members = self.persons.iter().filter(move |person| person.memberships >> platform & 1 == 1);
        members.map(move |person| (person, self.share_of(person, platform)))
    }

    /// The mean of `approval` over a platform's applicants; 0 where it has none.
    fn mean_over_applicants(&self, platform: usize, approval: impl Fn(&Person) -> f64) -> f64 {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (person, share) in self.applicants(platform) {
            sum += share * approval(person);
            weight += share;
        }
        if weight > 0.0 { sum / weight } else { 0.0 }
    }

    /// Screens at the partnership-weighted precision of banks, for platforms' own scores of
    /// `direct_precision`.
    pub fn partner_screens(&self, parameters: &Parameters, direct_precision: &[f64]) -> PartnerScreens {
        let terms = LendingTerms::new(&parameters.credit);
        let classes = parameters.banks.iter().map(|entry| &entry.row);
        let thick: f64 = classes.map(|row| row.partnership_weight * row.information_precision).sum();
        let own = [thick, thick * parameters.users.thin_file_discount];
        let with_own_score =
            direct_precision.iter().map(|bought| own.map(|own| terms.screen(own + bought, 0)));
        PartnerScreens {
            terms,
            own,
            without: own.map(|own| terms.screen(own, 0)),
            with_own_score: with_own_score.collect(),
        }
    }

    /// Approval of a platform's applicants at partner banks that see its own score.
    pub fn approval_with_own_score(&self, platform: usize, screens: &PartnerScreens) -> f64 {
        self.mean_over_applicants(platform, |person| {
            screens.with_own_score[platform][usize::from(person.thin_file)].approval(person.quality)
        })
    }

    /// The rise of the approval rate of a platform's applicants at banks that buy its score, over
    /// the approval rate with the score: what the score wins for its commission.
    pub fn gain_of_direct_sale(
        &self,
        platform: usize,
        screens: &PartnerScreens,
        consent: Option<f64>,
    ) -> f64 {
        let with = self.approval_with_own_score(platform, screens);
        let rise = self.mean_over_applicants(platform, |person| {
            if !consents(person, consent) {
                return 0.0;
            }
            let thin = usize::from(person.thin_file);
            screens.with_own_score[platform][thin].approval(person.quality)
                - screens.without[thin].approval(person.quality)
        });
        gain(rise, with)
    }

    /// The rise of the approval rate of a platform's applicants at banks that source from `agency`
    /// when the platform delivers everything instead of nothing, the others as they do, over the
    /// approval rate with its own score.
    pub fn gain_of_delivery(
        &self,
        platform: usize,
        agency: usize,
        screens: &PartnerScreens,
        delivered: &Delivered,
        capability: f64,
    ) -> f64 {
        let approval = |person: &Person, held: PlatformSet| {
            let precision = capability * delivered.pool.raw(held);
            screens
                .terms
                .screen(screens.own[usize::from(person.thin_file)] + precision, 0)
                .approval(person.quality)
        };
        let with = self.approval_with_own_score(platform, screens);
        let own: PlatformSet = 1 << platform;
        let rise = self.mean_over_applicants(platform, |person| {
            if !delivered.consents(person.user) {
                return 0.0;
            }
            let held = delivered.held(person.user, person.memberships, agency);
            approval(person, held | own) - approval(person, held & !own)
        });
        gain(rise, with)
    }
}

/// The rise of an approval rate over the rate with a platform's own score. Where hardly anybody would be approved
/// with it there is nothing to gain: what is left of the rate are tails of the normal distribution.
fn gain(rise: f64, with: f64) -> f64 {
    const LEAST_RATE: f64 = 1e-30;
    if with < LEAST_RATE { 0.0 } else { rise / with }
}

fn consents(person: &Person, consent: Option<f64>) -> bool {
    consent.is_none_or(|share| person.consent_threshold < share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_gained_where_nobody_is_approved() {
        assert_eq!(gain(0.1, 0.5), 0.2);
        assert_eq!(gain(0.0, 0.0), 0.0);
        // A rate in the tail of the normal distribution, and a rise out of all proportion to it.
        assert_eq!(gain(-1e-9, 1e-320), 0.0);
    }
}
