use serde::Serialize;

/// Buckets to each doubling. A bucket is 4.4 % wide, so a quantile is off by 2.2 % at most.
const PER_DOUBLING: f64 = 16.0;
/// Values are told apart between 2^-30 (a nanosecond, in seconds) and 2^40; those beyond count as the
/// last of their side.
const LOWEST: i16 = -30 * 16;
const HIGHEST: i16 = 40 * 16;

/// Three quantiles of a distribution; null when nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Quantiles {
    /// Half are below.
    pub p50: Option<f64>,
    /// 95 of 100 are below.
    pub p95: Option<f64>,
    /// 99 of 100 are below.
    pub p99: Option<f64>,
}

/// A distribution of positive values in logarithmic buckets. Only buckets that were hit take memory:
/// a gateway keeps one of these for every method of every account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    /// Sorted by bucket.
    buckets: Vec<(i16, u64)>,
    count: u64,
    sum: f64,
    max: f64,
}

impl Histogram {
    /// Counts a value. What is not a number is left out, what is negative counts as 0.
    pub fn record(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let value = value.max(0.0);
        let bucket = bucket(value);
        match self.buckets.binary_search_by_key(&bucket, |(b, _)| *b) {
            Ok(at) => {
                if let Some((_, count)) = self.buckets.get_mut(at) {
                    *count += 1;
                }
            }
            Err(at) => self.buckets.insert(at, (bucket, 1)),
        }
        self.count += 1;
        self.sum += value;
        self.max = self.max.max(value);
    }

    pub const fn count(&self) -> u64 {
        self.count
    }

    pub const fn sum(&self) -> f64 {
        self.sum
    }

    /// The value below which this share of all values is; None when there is none.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        // 100 x 0.07 is a little more than 7 in floats. Counts are far below 2^52.
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        #[allow(clippy::cast_sign_loss)]
        let rank = ((self.count as f64 * share - 1e-6).ceil() as u64).max(1);
        let mut seen = 0;
        self.buckets.iter().find_map(|(bucket, count)| {
            seen += count;
            (seen >= rank).then(|| middle(*bucket).min(self.max))
        })
    }

    pub fn quantiles(&self) -> Quantiles {
        Quantiles {
            p50: self.quantile(0.5),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
        }
    }
}

fn bucket(value: f64) -> i16 {
    let exact = (value.log2() * PER_DOUBLING).floor();
    let within = exact.clamp(f64::from(LOWEST), f64::from(HIGHEST));
    // Clamped to what an i16 holds.
    #[allow(clippy::cast_possible_truncation)]
    let bucket = within as i16;
    bucket
}

/// The value in the middle of a bucket; 0 for the lowest, where zeros are.
fn middle(bucket: i16) -> f64 {
    if bucket == LOWEST {
        return 0.0;
    }
    ((f64::from(bucket) + 0.5) / PER_DOUBLING).exp2()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Histogram, Quantiles};

    #[test]
    fn nothing_measured_has_no_quantiles() {
        assert_eq!(Histogram::default().quantiles(), Quantiles::default());
    }

    #[test]
    fn odd_values_do_no_harm() {
        let mut histogram = Histogram::default();
        for odd in [
            f64::NAN,
            f64::NEG_INFINITY,
            -1.0,
            0.0,
            -0.0,
            f64::MIN_POSITIVE,
            1e300,
        ] {
            histogram.record(odd);
        }
        assert_eq!(histogram.count(), 6);
        assert_eq!(histogram.quantile(0.5), Some(0.0));
        histogram.record(f64::INFINITY);
        assert!(histogram.quantile(0.99).unwrap() > 1e11);
    }

    proptest! {
        #[test]
        fn quantiles_are_within_a_bucket_of_the_exact_ones(
            mut values in prop::collection::vec(1e-6..1e6_f64, 1..500),
            share in 1..100_usize,
        ) {
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.record(*value);
            }
            values.sort_by(f64::total_cmp);
            let exact = values[(values.len() * share).div_ceil(100).max(1) - 1];
            let close = histogram.quantile(f64::from(u32::try_from(share).unwrap()) / 100.0).unwrap();
            prop_assert!((close / exact - 1.0).abs() < 0.023, "{close} for {exact}");
            prop_assert!((histogram.sum() / values.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
