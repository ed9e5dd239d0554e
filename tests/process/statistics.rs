//! Whether two samples of times differ: the rank test of Mann and Whitney.
//!
//! Each time gets its rank among all of both samples. If both come from one distribution, whatever
//! its shape, the first sample's ranks sum up to what chance gives: mean and deviation are known,
//! and for more than about twenty times the sum is normally distributed. The result is how many
//! deviations it is away. Outliers of a busy machine count by rank only, so they drown nothing.

/// How many deviations the ranks of `some` are above those of `others`. Above 3 or below -3 once in
/// 370 comparisons of equals. Two samples of 300 whose middle halves are 1 ms wide get there from a
/// shift of about 0.2 ms on.
pub(crate) fn deviations(some: &[f64], others: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = some.iter().map(|&time| (time, true)).collect();
    all.extend(others.iter().map(|&time| (time, false)));
    all.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (n, m) = (count(some.len()), count(others.len()));
    let (mut sum, mut ties) = (0.0, 0.0);
    let mut below = 0.0;
    for equal in all.chunk_by(|(one, _), (other, _)| one.total_cmp(other).is_eq()) {
        let size = count(equal.len());
        let ours = count(equal.iter().filter(|(_, is_ours)| *is_ours).count());
        // Equals share the mean of their ranks.
        sum += ours * (below + f64::midpoint(size, 1.0));
        ties += size.powi(3) - size;
        below += size;
    }
    let whole = n + m;
    let expected = n * (whole + 1.0) / 2.0;
    let variance = n * m / 12.0 * ((whole + 1.0) - ties / (whole * (whole - 1.0)));
    if variance > 0.0 {
        (sum - expected) / variance.sqrt()
    } else {
        0.0
    }
}

/// Says what was measured, to whoever runs the tests.
#[expect(clippy::print_stderr, reason = "a test's output is its report")]
pub(crate) fn report(measured: std::fmt::Arguments<'_>) {
    eprintln!("{measured}");
}

/// The middle one.
pub(crate) fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The smallest addition to every one of `some`, in hundredths of the median, that would be seen.
pub(crate) fn smallest_seen(some: &[f64], others: &[f64], limit: f64) -> f64 {
    let step = median(others) / 100.0;
    let mut added = 0.0;
    while added < step * 1_000.0 {
        let later: Vec<f64> = some.iter().map(|time| time + added).collect();
        if deviations(&later, others) > limit {
            break;
        }
        added += step;
    }
    added
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

#[test]
fn equals_are_equal_and_a_shift_is_seen() {
    // Times between 5 and 8 ms in no order, with an outlier of a second now and then.
    let times = |from: u32| -> Vec<f64> {
        (from..from + 300)
            .map(|index| match index % 97 {
                0 => 1000.0,
                _ => 5.0 + f64::from(index * 7_919 % 3_001) / 1_000.0,
            })
            .collect()
    };
    let (some, others) = (times(0), times(300));
    assert!(deviations(&some, &others).abs() < 2.0);
    assert!(deviations(&some, &some).abs() < 1e-9);
    for added in [0.5, 1.0] {
        let later: Vec<f64> = some.iter().map(|time| time + added).collect();
        assert!(deviations(&later, &others) > 3.0, "{added}");
        assert!(deviations(&others, &later) < -3.0, "{added}");
    }
    assert!(smallest_seen(&some, &others, 3.0) < 0.5);
    let equal = [1.0; 30];
    assert!(deviations(&equal, &equal).abs() < f64::EPSILON);
}
