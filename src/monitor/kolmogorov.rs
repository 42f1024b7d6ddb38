//! The distribution of Kolmogorov's statistic: how far an empirical distribution strays from the true one.
//!
//! For `n` rows, two-sided. Which method is asked where follows Simard and L'Ecuyer (2011), as scipy does: the matrix of Durbin in
//! the form of Marsaglia, Tsang and Wang (2003) where it is small, the sum of Birnbaum and Tingey (1951) in the tail, the
//! expansion of Pelz and Good (1976) between. Absolute error below 1e-9 everywhere.

use std::f64::consts::PI;

/// The probability that the statistic of `n` rows exceeds `d`, when the rows come from the distribution they are compared with.
pub fn kolmogorov_tail(n: usize, d: f64) -> f64 {
    let rows = n as f64;
    let t = rows * d;
    if n == 0 || t <= 0.5 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let p = match t {
        _ if t <= 1.0 => {
            1.0 - libm::exp(log_factorial_over_power(rows) + rows * libm::log(2.0 * t - 1.0))
        }
        _ if t >= rows - 1.0 => 2.0 * libm::pow(1.0 - d, rows),
        _ => between(n, d),
    };
    p.clamp(0.0, 1.0)
}

/// log(n! / nⁿ).
fn log_factorial_over_power(n: f64) -> f64 {
    libm::lgamma(n + 1.0) - n * libm::log(n)
}

/// Above this many rows the sum of the tail is too long, and the expansion exact to twelve digits.
const MANY: usize = 10_000;

fn between(n: usize, d: f64) -> f64 {
    let rows = n as f64;
    let reach = rows * d * d;
    match n {
        _ if d >= 0.5 => 2.0 * one_sided_tail(n, d),
        ..=140 if reach <= 4.0 => 1.0 - by_matrix(n, d),
        ..=140 => 2.0 * one_sided_tail(n, d),
        _ if reach >= 370.0 => 0.0,
        141..=MANY if reach >= 2.2 => 2.0 * one_sided_tail(n, d),
        // the leading terms of the tail: its error is far below 1e-12 here
        _ if reach >= 13.0 => {
            2.0 * libm::exp(-2.0 * (rows.sqrt() * d + 1.0 / (6.0 * rows.sqrt())).powi(2))
        }
        ..=100_000 if rows * d * d.sqrt() <= 1.4 => 1.0 - by_matrix(n, d),
        _ => 1.0 - by_expansion(rows, d),
    }
}

/// The probability that the one-sided statistic exceeds `d`: Birnbaum and Tingey's sum of positive terms.
fn one_sided_tail(n: usize, d: f64) -> f64 {
    let rows = n as f64;
    let last = (rows * (1.0 - d)).floor() as usize;
    let all = libm::lgamma(rows + 1.0);
    let term = |j: usize| {
        let k = j as f64;
        let (up, down) = (d + k / rows, 1.0 - d - k / rows);
        if down <= 0.0 {
            return 0.0;
        }
        let choose = all - libm::lgamma(k + 1.0) - libm::lgamma(rows - k + 1.0);
        libm::exp(choose + (k - 1.0) * libm::log(up) + (rows - k) * libm::log(down))
    };
    (d * (0..=last).map(term).sum::<f64>()).min(1.0)
}

/// A square matrix with a power of ten taken out of it, so that nothing overflows.
#[derive(Clone)]
struct Scaled {
    size: usize,
    cells: Vec<f64>,
    exponent: i32,
}

impl Scaled {
    fn times(&self, other: &Self) -> Self {
        let size = self.size;
        let mut cells = vec![0.0; size * size];
        for i in 0..size {
            for k in 0..size {
                let left = self.cells[i * size + k];
                for j in 0..size {
                    cells[i * size + j] += left * other.cells[k * size + j];
                }
            }
        }
        let mut exponent = self.exponent + other.exponent;
        if cells[(size / 2) * size + size / 2] > 1e140 {
            cells.iter_mut().for_each(|cell| *cell *= 1e-140);
            exponent += 140;
        }
        Self {
            size,
            cells,
            exponent,
        }
    }

    fn power(&self, n: usize) -> Self {
        if n == 1 {
            return self.clone();
        }
        let half = self.power(n / 2);
        let whole = half.times(&half);
        match n % 2 {
            0 => whole,
            _ => whole.times(self),
        }
    }
}

/// Durbin's matrix: the number of paths that stay near the diagonal.
fn durbin(size: usize, h: f64) -> Scaled {
    let mut cells = vec![0.0; size * size];
    for i in 0..size {
        for j in 0..size {
            cells[i * size + j] = if i + 1 >= j { 1.0 } else { 0.0 };
        }
    }
    for i in 0..size {
        let edge = |power: usize| h.powi(power as i32);
        cells[i * size] -= edge(i + 1);
        cells[(size - 1) * size + i] -= edge(size - i);
    }
    if 2.0 * h > 1.0 {
        cells[(size - 1) * size] += (2.0 * h - 1.0).powi(size as i32);
    }
    for i in 0..size {
        for j in 0..size.min(i + 1) {
            for factor in 1..=(i + 1 - j) {
                cells[i * size + j] /= factor as f64;
            }
        }
    }
    Scaled {
        size,
        cells,
        exponent: 0,
    }
}

/// The distribution function by a power of Durbin's matrix.
fn by_matrix(n: usize, d: f64) -> f64 {
    let rows = n as f64;
    let k = (rows * d).floor() as usize + 1;
    let size = 2 * k - 1;
    let power = durbin(size, k as f64 - rows * d).power(n);
    let mut p = power.cells[(k - 1) * size + k - 1];
    let mut exponent = power.exponent;
    for i in 1..=n {
        p *= i as f64 / rows;
        if p < 1e-140 {
            p *= 1e140;
            exponent -= 140;
        }
    }
    p * libm::pow(10.0, f64::from(exponent))
}

/// The distribution function by Pelz and Good's expansion in powers of 1/√n, its four terms as sums for small `z`.
fn by_expansion(rows: f64, d: f64) -> f64 {
    let z = rows.sqrt() * d;
    let (z2, pi2) = (z * z, PI * PI);
    let exponent = -pi2 / 8.0 / z2;
    if exponent < -700.0 {
        return 0.0;
    }
    let mut terms = over_odd_numbers(z, libm::exp(exponent));
    let q = libm::exp(-pi2 / 2.0 / z2);
    let root = (2.0 * PI).sqrt();
    for k in 1..=last_term(z) {
        let k2 = (k * k) as f64;
        let weight = libm::pow(q, k2) * k2 * pi2 * root;
        terms[2] -= weight / (36.0 * z * z2);
        terms[3] += weight * (3.0 * z2 - pi2 * k2) / (216.0 * z2 * z2 * z2);
    }
    let root = rows.sqrt();
    terms[0] + (terms[1] + (terms[2] + terms[3] / root) / root) / root
}

fn last_term(z: f64) -> i32 {
    (16.0 * z / PI).ceil() as i32
}

/// The sums over odd numbers in the four terms of the expansion, by Horner's scheme from the last summand on.
fn over_odd_numbers(z: f64, q: f64) -> [f64; 4] {
    let (z2, z4, z6, z8) = (z * z, z.powi(4), z.powi(6), z.powi(8));
    let (pi2, pi4, pi6) = (PI.powi(2), PI.powi(4), PI.powi(6));
    let mut sums = [0.0; 4];
    for k in (1..=last_term(z)).rev() {
        let m2 = f64::from(2 * k - 1).powi(2);
        let (m4, m6) = (m2 * m2, m2 * m2 * m2);
        let summands = [
            1.0,
            -z2 + pi2 / 4.0 * m2,
            6.0 * z6
                + 2.0 * z4
                + (2.0 * z4 - 5.0 * z2) * pi2 / 4.0 * m2
                + pi4 * (1.0 - 2.0 * z2) / 16.0 * m4,
            -30.0 * z6 - 90.0 * z8
                + pi2 * (135.0 * z4 - 96.0 * z6) / 4.0 * m2
                + pi4 * (212.0 * z4 - 60.0 * z2) / 16.0 * m4
                + pi6 * (5.0 - 30.0 * z2) / 64.0 * m6,
        ];
        let power = libm::pow(q, f64::from(8 * k));
        for (sum, summand) in sums.iter_mut().zip(summands) {
            *sum = *sum * power + summand;
        }
    }
    let root = (2.0 * PI).sqrt();
    let below = [z, 6.0 * z4, 72.0 * z.powi(7), 6480.0 * z.powi(10)];
    let mut terms = [0.0; 4];
    for i in 0..4 {
        terms[i] = sums[i] * q * root / below[i];
    }
    terms
}
