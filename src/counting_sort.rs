//! Sorting by small whole numbers, for which counting how many things have each is quicker than comparing them.

/// Puts `things` into `sorted` by a number that each has, those with the same in the order in which they were, and into
/// `first`, which has a place for each number, where those with that number begin.
///
/// # Panics
///
/// Where `first` has no place for a number, or `sorted` none for a thing.
#[inline]
pub fn counting_sort<T: Copy>(
    things: &[T],
    sorted: &mut [T],
    first: &mut [u32],
    number: impl Fn(&T) -> usize,
) {
    first.fill(0);
    things.iter().for_each(|thing| first[number(thing)] += 1);
    // Where those of a number end, until they have been put there from the last one to the first.
    let mut end = 0;
    for ends in first.iter_mut() {
        end += *ends;
        *ends = end;
    }
    for thing in things.iter().rev() {
        let place = &mut first[number(thing)];
        *place -= 1;
        sorted[*place as usize] = *thing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// As a stable sort has it, with the beginnings that one finds by looking.
        #[test]
        fn things_lie_in_the_order_of_their_numbers(numbers in prop::collection::vec(0usize..9, 0..40)) {
            let things: Vec<(usize, usize)> = numbers.into_iter().zip(0..).collect();
            let (mut sorted, mut first) = (vec![(0, 0); things.len()], [7; 10]);
            counting_sort(&things, &mut sorted, &mut first, |thing| thing.0);
            let mut expected = things;
            expected.sort_by_key(|thing| thing.0);
            for (number, first) in first.into_iter().enumerate() {
                prop_assert_eq!(first as usize, expected.partition_point(|thing| thing.0 < number));
            }
            prop_assert_eq!(sorted, expected);
        }
    }
}
