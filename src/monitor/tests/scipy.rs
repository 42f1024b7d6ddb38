//! Our statistics beside those of scipy 1.17.1 on fixed inputs, to 1e-9.

use hpipe_monitor::*;

/// Numbers of Knuth's congruential generator, which Python makes as well: `x = x·6364136223846793005 + 1442695040888963407`.
fn uniform(rows: usize, seed: u64) -> Vec<f64> {
    let mut x = seed;
    let mut next = || {
        x = x
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (x >> 11) as f64 * 2.0_f64.powi(-53)
    };
    (0..rows).map(|_| next()).collect()
}

fn raised(values: Vec<f64>, power: f64) -> Vec<f64> {
    values.into_iter().map(|x| x.powf(power)).collect()
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[track_caller]
fn nearly(found: Test, statistic: f64, p: f64) {
    near(found.statistic, statistic);
    near(found.p, p);
}

struct Samples {
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
    d: Vec<f64>,
}

fn samples() -> Samples {
    let (a, b) = (uniform(50, 1), raised(uniform(80, 2), 1.3));
    near(a[0], 0.423_209_170_872_713_26);
    near(b[0], 0.709_779_926_747_126_3);
    let (c, d) = (uniform(3000, 3), raised(uniform(2000, 4), 1.1));
    Samples { a, b, c, d }
}

fn tenths(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .map(|x| (x * 10.0).round_ties_even())
        .collect()
}

/// `scipy.stats.ks_2samp`, `method='exact'` for up to 1,000 rows, else `'asymp'`.
#[test]
fn kolmogorov_smirnov_of_two_samples() {
    let Samples { a, b, c, d } = samples();
    nearly(ks_two_samples(&a, &b), 0.27, 0.018_212_195_698_232_292);
    nearly(ks_two_samples(&c, &d), 0.0605, 0.000_292_408_600_405_959_6);
    nearly(ks_two_samples(&a, &d), 0.1315, 0.335_316_361_624_078_1);
    nearly(
        ks_two_samples(&tenths(&a), &tenths(&b)),
        0.27,
        0.018_212_195_698_232_292,
    );
    assert_eq!(ks_two_samples(&[], &a).p, 1.0);
}

/// `scipy.stats.ks_1samp`, the third against a sketch of five quantiles as `numpy.interp` makes it a distribution.
#[test]
fn kolmogorov_smirnov_of_one_sample() {
    let Samples { a, d, .. } = samples();
    nearly(
        ks_one_sample(&a, |x| x),
        0.111_640_606_036_569_45,
        0.525_074_709_987_776_9,
    );
    nearly(
        ks_one_sample(&d, |x| x.powf(0.9)),
        0.013_443_645_182_258_046,
        0.857_738_476_588_235_1,
    );
    let sketch = Sketch::new(&[0.0, 0.1, 0.3, 0.4, 1.0]).expect("a sketch");
    nearly(
        ks_one_sample(&d, |x| sketch.below(x)),
        0.305_541_166_791_416_8,
        3.237_916_993_255_272e-166,
    );
}

/// `scipy.stats.kstwo.sf`. Where it doubles the one-sided tail (more than 140 rows, from nd² = 2.2 on) it is too large by what crosses
/// both ways, up to 5e-8; we do the same up to 10,000 rows, and above are nearer to the truth: no row here is between 2.2 and 3 then.
#[test]
fn the_distribution_of_kolmogorov() {
    let expected = [
        (1, 0.7, 0.6000000000000001),
        (5, 0.1, 1.0),
        (5, 0.15, 0.9988),
        (5, 0.3, 0.664),
        (5, 0.6, 0.03008000000000001),
        (5, 0.9, 1.9999999999999978e-05),
        (10, 0.274, 0.3715203845434957),
        (50, 0.05, 0.9990238098461883),
        (50, 0.1, 0.6623112704658186),
        (50, 0.19, 0.046989328202061253),
        (140, 0.05, 0.8576480297656114),
        (140, 0.1, 0.11353657290090946),
        (140, 0.16, 0.0013440163244194184),
        (140, 0.3, 1.1370251710737309e-11),
        (141, 0.05, 0.854845693009663),
        (141, 0.08, 0.31084170879264117),
        (141, 0.12, 0.03160060527758468),
        (141, 0.2, 2.0276784223976912e-05),
        (1000, 0.02, 0.8108971656895577),
        (1000, 0.03, 0.3226902143914636),
        (1000, 0.05, 0.013012074781090332),
        (1000, 0.1, 3.703687096817711e-09),
        (9999, 0.01, 0.2682723861173786),
        (9999, 0.02, 0.0006622144707379106),
        (20000, 0.006, 0.4657689508612477),
        (20000, 0.01, 0.03638603905248727),
        (20000, 0.013, 0.0022980400194585623),
        (20000, 0.03, 4.516330038670992e-16),
        (150000, 0.002, 0.5852546878861703),
        (150_000, 0.0045, 0.004585431005774721),
        (1000000, 0.001, 0.26982107442589376),
        (1000000, 0.0018, 0.003063932534378173),
        (1000000, 0.01, 2.7373304415481205e-87),
    ];
    for (n, d, p) in expected {
        let found = kolmogorov_tail(n, d);
        assert!((found - p).abs() < 1e-9, "n {n}, d {d}: {found} is not {p}");
    }
}

/// `scipy.stats.wasserstein_distance`.
#[test]
fn wasserstein_distance() {
    let Samples { a, b, c, d } = samples();
    near(wasserstein(&a, &b).expect("rows"), 0.104_742_740_348_594_1);
    near(wasserstein(&c, &d).expect("rows"), 0.030_350_911_841_555_76);
    near(
        wasserstein(&tenths(&a), &tenths(&b)).expect("rows"),
        1.037_499_999_999_999_9,
    );
    assert_eq!(wasserstein(&a, &[]), None);
}

/// `scipy.spatial.distance.jensenshannon`; the index with numpy.
#[test]
fn distances_of_shares() {
    let p = [0.1, 0.2, 0.3, 0.4];
    near(
        jensen_shannon(&p, &[0.25, 0.25, 0.0, 0.5]),
        0.353_200_988_608_939_3,
    );
    near(
        jensen_shannon(&p, &[0.4, 0.3, 0.2, 0.1]),
        0.326_251_644_112_674_5,
    );
    near(psi(&p, &[0.12, 0.25, 0.23, 0.4]), 0.033_402_830_302_899_96);
}

/// `scipy.stats.chi2_contingency(correction=False)`.
#[test]
fn chi_squared_of_counts() {
    let found = chi_squared(&[10.0, 20.0, 30.0], &[15.0, 25.0, 20.0]);
    nearly(found, 3.555_555_555_555_555_4, 0.169_013_315_406_066_07);
    let found = chi_squared(&[1000.0, 2000.0, 3000.0, 10.0], &[100.0, 250.0, 290.0, 3.0]);
    nearly(found, 11.208_206_192_289_342, 0.010_651_690_083_590_811);
    assert_eq!(chi_squared(&[3.0], &[4.0]).p, 1.0);
}

/// `scipy.stats.chi2.sf`, `chi2.isf` and `norm.isf`.
#[test]
fn tails_and_their_quantiles() {
    let tails = [
        (0.1, 1.0, 0.7518296340458492),
        (3.84, 1.0, 0.05004352124870519),
        (30.0, 1.0, 4.3204630578274955e-08),
        (7.0, 7.0, 0.42887985755305486),
        (18.475, 7.0, 0.01000116537728087),
        (100.0, 7.0, 1.0787979671702833e-18),
        (99.0, 99.0, 0.4810969124082639),
        (140.0, 99.0, 0.004228298769819221),
        (1000.0, 999.0, 0.48513148927490146),
        (1200.0, 999.0, 1.112935044825893e-05),
    ];
    for (x, freedom, p) in tails {
        near(chi_squared_tail(x, freedom), p);
    }
    let quantiles = [
        (0.01, 7.0, 18.475306906582365),
        (0.05, 1.0, 3.8414588206941285),
        (0.001, 9.0, 27.877164871256575),
        (0.5, 31.0, 30.33594245819813),
        (0.99, 3.0, 0.11483180189911714),
    ];
    for (p, freedom, x) in quantiles {
        near(chi_squared_quantile_of_tail(p, freedom), x);
    }
    for (p, x) in [
        (0.5, 0.0),
        (0.025, 1.959_963_984_540_054_5),
        (1e-4, 3.719_016_485_455_680_4),
        (1e-10, 6.361_340_902_404_056),
        (0.9, -1.281_551_565_544_600_4),
    ] {
        near(normal_quantile_of_tail(p), x);
    }
    near(
        psi_critical(8, 1000, 2000, 0.01),
        18.475_306_906_582_365 * 0.0015,
    );
    near(psi_p(18.475_306_906_582_365 * 0.0015, 8, 1000, 2000), 0.01);
}

/// `scipy.stats.fisher_exact`.
#[test]
fn exact_test_of_four_counts() {
    near(fisher_exact(8, 2, 1, 5), 0.034_965_034_965_034_975);
    near(fisher_exact(0, 100, 5, 2000), 1.0);
    near(fisher_exact(3, 1000, 40, 20_000), 0.459_206_951_591_544_23);
    near(fisher_exact(10, 10, 10, 10), 1.0);
}

/// `scipy.stats.false_discovery_control`.
#[test]
fn correction_for_many_tests() {
    let found = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005, 0.8, 0.04]);
    for (found, expected) in found
        .into_iter()
        .zip([0.03, 0.048, 0.048, 0.03, 0.8, 0.048])
    {
        near(found, expected);
    }
}

/// What is counted against a fine sketch is what the samples say: distances of scipy, to the width of a bin.
#[test]
fn a_sketch_tells_what_its_sample_tells() {
    let Samples { c, d, .. } = samples();
    let sketch = Sketch::of_sample(&c, 33).expect("a sketch");
    let mut counts = sketch.counts();
    sketch.count(&mut counts, d.iter().copied());
    let found = sketch
        .distances(&counts, c.len(), 0.01)
        .expect("enough rows");
    assert!((found.wasserstein.expect("numbers") - 0.030_350_911_841_555_76).abs() < 1e-3);
    assert!(found.test.statistic <= 0.0605 && found.test.statistic > 0.0605 - 1.0 / 32.0);
    assert!(found.test.p < 0.01 && found.psi_p < 0.01, "{found:?}");
    assert!(found.psi > found.psi_critical);
}
