# The reference values of r_statistics.csv.gz and their inputs, r_statistics_inputs.csv.gz: 200 data sets a statistic.
#   Rscript tests/oracle/r_statistics_make.R tests/oracle
# R 4.2.2, pROC 1.18.0, psych 2.2.9, nortest 1.0-4, rms 6.5-0, Hmisc 4.8-0, brglm2 0.9, car 3.1-1, coin 1.4-2, epiR 2.0.57
# (Debian: r-base-core and r-cran-proc -psych -nortest -rms -hmisc -brglm2 -car -coin -epir). Two minutes.
suppressPackageStartupMessages({
  library(pROC); library(psych); library(nortest); library(rms); library(brglm2); library(coin); library(epiR)
})
options(warn = -1, digits = 17)
folder <- commandArgs(trailingOnly = TRUE)[1]
inputs <- list(); values <- list()
give <- function(.case, ...) {  # the dot: an array called c must not match it
  arrays <- list(...)
  for (name in names(arrays)) inputs[[length(inputs) + 1]] <<-
    data.frame(case = .case, name = name, values = paste(sprintf("%.12g", c(arrays[[name]])), collapse = " "))
}
take <- function(case, source, ...) {
  found <- list(...)
  for (name in names(found)) if (is.finite(as.numeric(found[[name]]))) values[[length(values) + 1]] <<-
    data.frame(case = case, name = name, value = sprintf("%.16g", as.numeric(found[[name]])), source = source)
}
fitted_twice <- function(formula) {       # glm's standard errors lag a step behind its coefficients: start again at them
  exact <- glm.control(epsilon = 1e-14, maxit = 100)
  glm(formula, family = binomial, control = exact, start = coef(glm(formula, family = binomial, control = exact)))
}
fitted_twice_offset <- function(y, x, o) {
  exact <- glm.control(epsilon = 1e-14, maxit = 100)
  glm(y ~ x, family = binomial, offset = o, control = exact)
}
outcome <- function(n, positives) sample(c(rep(1, positives), rep(0, n - positives)))

z <- qnorm(0.975)
number <- function(name, i) sprintf("%s%03d", name, i)
# Hanley and McNeil's variance; Newcombe's method 5 solves its equation with both sizes replaced by their mean
hanley <- function(a, m, n, size_m = m, size_n = n)
  (a * (1 - a) + (size_m - 1) * (a / (2 - a) - a^2) + (size_n - 1) * (2 * a^2 / (1 + a) - a^2)) / (m * n)
newcombe <- function(a, m, n, from, to) {
  size <- (m + n) / 2
  uniroot(function(t) abs(t - a) - z * sqrt(max(0, hanley(t, m, n, size, size))), c(from, to), tol = 1e-14)$root
}

set.seed(20260101)
for (i in 1:200) {                      # ROC curves: continuous, and with ever more ties
  case <- number("roc", i)
  n <- sample(12:80, 1); y <- outcome(n, sample(4:(n - 4), 1))
  digits <- c(6, 1, 0)[1 + i %% 3]
  a <- round(rnorm(n) + 0.9 * y, digits); b <- round(0.6 * a + rnorm(n) + 0.4 * y, digits)
  m <- sample(12:50, 1); y2 <- outcome(m, sample(4:(m - 4), 1)); c <- round(rnorm(m) + 0.5 * y2, digits)
  give(case, y = y, a = a, b = b, y2 = y2, c = c)
  ra <- roc(y, a, direction = "<", levels = c(0, 1), quiet = TRUE)
  rb <- roc(y, b, direction = "<", levels = c(0, 1), quiet = TRUE)
  rc <- roc(y2, c, direction = "<", levels = c(0, 1), quiet = TRUE)
  ci <- ci.auc(ra, method = "delong"); ci90 <- ci.auc(ra, method = "delong", conf.level = 0.9)
  paired <- roc.test(ra, rb, method = "delong", paired = TRUE)
  unpaired <- roc.test(ra, rc, method = "delong", paired = FALSE)
  best <- coords(ra, "all", ret = c("threshold", "sensitivity", "specificity"), transpose = FALSE)
  take(case, "pROC", auc = ci[2], low = ci[1], high = ci[3], low90 = ci90[1], high90 = ci90[3],
       paired_z = paired$statistic, paired_p = paired$p.value, paired_low = paired$conf.int[1],
       paired_high = paired$conf.int[2], unpaired_t = unpaired$statistic, unpaired_dof = unpaired$parameter,
       unpaired_p = unpaired$p.value, youden = max(best$sensitivity + best$specificity) - 1)
  area <- as.numeric(auc(ra)); cases <- sum(y); controls <- n - cases
  if (area > 0 && area < 1) {
    half <- z * sqrt(var(ra)) / (area * (1 - area))
    take(case, "pROC's variance on the logit", logit_low = plogis(qlogis(area) - half), logit_high = plogis(qlogis(area) + half))
    se <- sqrt(hanley(area, cases, controls))
    take(case, "Hanley and McNeil 1982 written out", hanley_low = max(0, area - z * se), hanley_high = min(1, area + z * se))
    take(case, "Newcombe 2006 written out; uniroot", newcombe_low = newcombe(area, cases, controls, 1e-9, area),
         newcombe_high = newcombe(area, cases, controls, area, 1 - 1e-9))
  }
}
for (i in 1:200) {                     # ICC: subjects by readers, column by column
  case <- number("icc", i)
  n <- sample(c(4:12, 35), 1); k <- 2 + i %% 3
  ratings <- outer(rnorm(n, sd = runif(1, 0, 3)), rep(1, k)) + outer(rep(1, n), rnorm(k, sd = runif(1, 0, 1.5)))
  ratings <- round(ratings + rnorm(n * k), c(4, 0)[1 + i %% 2])
  give(case, k = k, ratings = ratings)
  found <- ICC(ratings, missing = FALSE, lmer = FALSE)$results
  for (row in seq_len(nrow(found))) {
    part <- list(found[row, "ICC"], found[row, "lower bound"], found[row, "upper bound"], found[row, "F"], found[row, "p"])
    names(part) <- paste0(found[row, "type"], c("", "_low", "_high", "_f", "_p"))
    do.call(take, c(list(case, "psych ICC, lmer = FALSE"), part))
  }
}
for (i in 1:200) {                     # kappa of two readers' ordered categories
  case <- number("kappa", i)
  n <- sample(20:90, 1); levels <- 2 + i %% 3
  a <- c(1:levels, sample(levels, n, replace = TRUE)); b <- ifelse(runif(n + levels) < 0.6, a, sample(levels, n + levels, replace = TRUE))
  d <- abs(outer(1:levels, 1:levels, "-"))
  give(case, a = a, b = b, levels = levels)
  quadratic <- cohen.kappa(cbind(a, b), w = 1 - d^2 / (levels - 1)^2); linear <- cohen.kappa(cbind(a, b), w = 1 - d / (levels - 1))
  take(case, "psych cohen.kappa", plain = quadratic$kappa, quadratic = quadratic$weighted.kappa, linear = linear$weighted.kappa,
       plain_se = sqrt(quadratic$var.kappa))  # psych 2.2.9 swaps readers in the weighted variance: see the test
}
for (i in 1:200) {                     # tables: 2 x 2 to 3 x 4
  case <- number("table", i)
  rows <- 2 + (i %% 5 == 0); columns <- 2 + i %% 4; n <- sample(15:if (rows == 2) 110 else 45, 1)
  repeat {
    counts <- matrix(rmultinom(1, n, outer(runif(rows), runif(columns)^2)), rows)
    if (all(rowSums(counts) > 0) && all(colSums(counts) > 0)) break
  }
  give(case, rows = rows, counts = counts)
  chi <- chisq.test(counts, correct = FALSE)
  take(case, "fisher.test", fisher = fisher.test(counts, workspace = 2e7)$p.value)
  take(case, "chisq.test, correct = FALSE", chi_square = chi$statistic, chi_p = chi$p.value, min_expected = min(chi$expected))
}
for (i in 1:200) {                     # two groups of a continuous variable
  case <- number("groups", i)
  digits <- c(5, 1)[1 + i %% 2]
  a <- round(rnorm(sample(6:45, 1)), digits); b <- round(rexp(sample(6:30, 1)) * runif(1, 0.5, 2), digits)
  if (i %% 50 == 30) a <- round(rnorm(150), 4)
  give(case, a = a, b = b)
  values_ <- c(a, b); group <- factor(rep(1:2, c(length(a), length(b))))
  deviation <- abs(values_ - ave(values_, group))
  student <- t.test(a, b, var.equal = TRUE); welch <- t.test(a, b)
  take(case, "t.test", student_t = student$statistic, student_p = student$p.value, welch_t = welch$statistic,
       welch_dof = welch$parameter, welch_p = welch$p.value)
  take(case, "wilcox.test", u = wilcox.test(a, b, exact = FALSE, correct = FALSE)$statistic,
       u_p = wilcox.test(a, b, exact = FALSE, correct = FALSE)$p.value,
       u_continuity_p = wilcox.test(a, b, exact = FALSE, correct = TRUE)$p.value)
  if (!anyDuplicated(values_) && length(values_) < 50) take(case, "wilcox.test", u_exact_p = wilcox.test(a, b, exact = TRUE)$p.value)
  exact <- wilcox_test(values_ ~ group, distribution = "exact")
  take(case, "coin wilcox_test; exact", u_permutation_p = pvalue(exact))
  take(case, "shapiro.test", shapiro_a = shapiro.test(a)$p.value, shapiro_b = shapiro.test(b)$p.value)
  take(case, "quantile; type 6", median_a = median(a), q1_a = quantile(a, 0.25, type = 6), q3_b = quantile(b, 0.75, type = 6))
  take(case, "nortest lillie.test", lilliefors_a = lillie.test(a)$p.value, lilliefors_b = lillie.test(b)$p.value)
  take(case, "anova of deviations from the mean", levene_p = anova(lm(deviation ~ group))[1, "Pr(>F)"])
}
for (i in 1:200) {                     # logistic regression, two variables and a three-level factor
  case <- number("glm", i)
  n <- sample(50:110, 1); x1 <- round(rnorm(n, 50, 10), 2); x2 <- rbinom(n, 1, 0.4); f <- sample(0:2, n, replace = TRUE)
  y <- rbinom(n, 1, plogis((x1 - 50) / 12 + 0.8 * x2 - 0.3)); p <- round(plogis(rnorm(n) + y - 0.4), 6)
  give(case, y = y, x1 = x1, x2 = x2, f = f, p = p)
  fit <- fitted_twice(y ~ x1 + x2); found <- coef(summary(fit))
  factor_fit <- fitted_twice(y ~ factor(f)); null <- fitted_twice(y ~ 1)
  added <- fitted_twice(y ~ x1 + x2 + factor(f))
  take(case, "glm", b0 = found[1, 1], b1 = found[2, 1], b2 = found[3, 1], se0 = found[1, 2], se1 = found[2, 2], se2 = found[3, 2],
       p1 = found[2, 4], p2 = found[3, 4], log_likelihood = logLik(fit),
       factor_p = anova(null, factor_fit, test = "LRT")[2, "Pr(>Chi)"], added_p = anova(fit, added, test = "LRT")[2, "Pr(>Chi)"])
  profile <- function(from, to) uniroot(function(b)
    deviance(fitted_twice_offset(y, x2, b * (x1 - 50))) - deviance(fit) - qchisq(0.95, 1), c(from, to), tol = 1e-13)$root
  far <- 6 * found[2, 2]
  take(case, "glm with an offset; uniroot", profile_low = profile(found[2, 1] - far, found[2, 1]),
       profile_high = profile(found[2, 1], found[2, 1] + far))
  take(case, "anova of glm without the variable",
       lr_p1 = anova(fitted_twice(y ~ x2), fit, test = "LRT")[2, "Pr(>Chi)"], lr_p2 = anova(fitted_twice(y ~ x1), fit, test = "LRT")[2, "Pr(>Chi)"])
  inflation <- car::vif(lm(y ~ x1 + x2))
  take(case, "AIC; car vif; rms lrm", aic = AIC(fit), vif1 = inflation[1], vif2 = inflation[2], nagelkerke = lrm(y ~ x1 + x2, eps = 1e-12)$stats["R2"])
  slope <- coef(summary(fitted_twice(y ~ qlogis(p))))
  large <- coef(summary(fitted_twice(y ~ 1 + offset(qlogis(p)))))
  take(case, "glm of logit(p)", slope = slope[2, 1], slope_se = slope[2, 2], intercept = large[1, 1], intercept_se = large[1, 2])
}
for (i in 1:200) {                     # proportions
  case <- number("proportion", i)
  n <- sample(1:60, 1); x <- c(0, n, sample(0:n, 1))[1 + i %% 3]
  give(case, x = x, n = n)
  wilson <- prop.test(x, n, correct = FALSE)$conf.int; exact <- binom.test(x, n)$conf.int
  take(case, "prop.test, correct = FALSE", wilson_low = wilson[1], wilson_high = wilson[2])
  take(case, "binom.test", exact_low = exact[1], exact_high = exact[2])
}
for (i in 1:200) {                      # adjusted p-values
  case <- number("adjust", i); p <- round(runif(10)^2, 3)
  give(case, p = p)
  adjusted <- c(p.adjust(p, "holm"), p.adjust(p, "BH"))
  names(adjusted) <- paste0(rep(c("holm", "bh"), each = 10), rep(0:9, 2))
  do.call(take, c(list(case, "p.adjust"), as.list(adjusted)))
}
for (i in 1:205) {                     # Firth's regression: small, ever more of them separated
  case <- number("firth", i)
  repeat {
    n <- sample(14:50, 1); x1 <- round(rnorm(n, 5, 2), 2); x2 <- rbinom(n, 1, 0.3)
    y <- rbinom(n, 1, plogis((x1 - 5) * c(0.5, 1, 3)[1 + i %% 3] - 0.3))
    if (i %% 4 == 0) x2 <- as.numeric(x2 == 1 & y == 1)     # a level that only one class has
    if (sum(y) %in% 2:(n - 2) && sum(x2) %in% 1:(n - 1)) break
  }
  give(case, y = y, x1 = x1, x2 = x2)
  fit <- glm(y ~ x1 + x2, family = binomial, method = "brglmFit", type = "AS_mean", epsilon = 1e-12, maxit = 10000, max_step_factor = 40)
  found <- coef(summary(fit))
  if (max(abs(coef(fit))) < 100)        # two of 200 run off without a warning
    take(case, "brglm2 brglmFit; AS_mean", b0 = found[1, 1], b1 = found[2, 1], b2 = found[3, 1], se1 = found[2, 2], se2 = found[3, 2])
}
for (i in 1:220) {                     # a classification
  case <- number("diagnostic", i)
  n <- sample(20:110, 1); y <- outcome(n, sample(5:(n - 5), 1)); called <- rbinom(n, 1, ifelse(y == 1, 0.75, 0.3))
  other <- rbinom(n, 1, ifelse(y == 1, 0.6, 0.4))
  give(case, y = y, called = called, other = other)
  counts <- c(sum(called & y), sum(called & !y), sum(!called & y), sum(!called & !y))
  if (all(counts > 0)) {
    for (method in c("wilson", "exact")) {
      found <- epi.tests(matrix(counts, 2, byrow = TRUE), method = method, digits = 4)$detail
      row.names(found) <- found$statistic
      for (name in c("se", "sp", "diag.ac", "pv.pos", "pv.neg", if (method == "wilson") c("lr.pos", "lr.neg"))) {
        part <- list(found[name, "est"], found[name, "lower"], found[name, "upper"])
        names(part) <- paste(method, name, c("est", "low", "high"), sep = "_")
        do.call(take, c(list(case, "epiR epi.tests"), part))
      }
    }
  }
  right <- factor(called == y, c(TRUE, FALSE)); right2 <- factor(other == y, c(TRUE, FALSE)); pairs <- table(right, right2)
  if (pairs[1, 2] + pairs[2, 1] > 0)
    take(case, "mcnemar.test; binom.test", mcnemar = mcnemar.test(pairs, correct = FALSE)$p.value,
         mcnemar_corrected = mcnemar.test(pairs)$p.value, mcnemar_exact = binom.test(pairs[1, 2], pairs[1, 2] + pairs[2, 1])$p.value)
}
for (i in 1:200) {                     # probabilities: calibration, and what a second model adds
  case <- number("risk", i)
  n <- sample(60:150, 1); x <- rnorm(n); w <- rnorm(n); y <- rbinom(n, 1, plogis(x + 0.7 * w - 0.3))
  digits <- c(6, 2)[1 + i %% 2]; inner <- function(v) pmin(pmax(round(v, digits), 0.01), 0.99)
  p <- inner(plogis(1.3 * x - 0.2)); q <- inner(plogis(x + 0.7 * w))
  give(case, y = y, p = p, q = q)
  spread <- list(logit = qlogis(p)); range_p <- range(p)
  shown <- range_p[1] + (range_p[2] - range_p[1]) * c(0.1, 0.5, 0.8)
  knots <- quantile(spread$logit, c(0.1, 0.5, 0.9)); basis <- function(v) rcspline.eval(v, knots, inclx = TRUE)
  b <- basis(spread$logit); fit <- glm(y ~ b, family = binomial, control = glm.control(epsilon = 1e-14, maxit = 100))
  fit <- glm(y ~ b, family = binomial, control = glm.control(epsilon = 1e-14, maxit = 100), start = coef(fit))
  at <- cbind(1, basis(qlogis(shown))); line <- as.vector(at %*% coef(fit)); se <- sqrt(diag(at %*% vcov(fit) %*% t(at)))
  apart <- abs(fitted(fit) - p)
  take(case, "glm on Hmisc rcspline.eval", curve1 = plogis(line[1]), curve2 = plogis(line[2]), curve3 = plogis(line[3]),
       low1 = plogis(line[1] - z * se[1]), low2 = plogis(line[2] - z * se[2]), low3 = plogis(line[3] - z * se[3]),
       high1 = plogis(line[1] + z * se[1]), high2 = plogis(line[2] + z * se[2]), high3 = plogis(line[3] + z * se[3]),
       ici = mean(apart), e50 = median(apart), e90 = quantile(apart, 0.9), e_max = max(apart))
  found <- val.prob(p, y, pl = FALSE)
  take(case, "rms val.prob", brier = found["Brier"], slope = found["Slope"])
  gain <- improveProb(p, q, y); cut <- function(v) (findInterval(v, c(0.3, 0.6)) + 0.5) / 3
  steps <- improveProb(cut(p), cut(q), y)
  take(case, "Hmisc improveProb", idi = gain$idi, nri = gain$nri, nri_events = gain$nri.ev, nri_nonevents = gain$nri.ne,
       categorical_nri = steps$nri, categorical_events = steps$nri.ev, categorical_nonevents = steps$nri.ne)
}
for (i in 1:200) {                     # tables that are thick enough for chi-square
  case <- number("chi", i)
  rows <- 2 + (i %% 4 == 0); columns <- 2 + i %% 3
  repeat {
    counts <- matrix(rmultinom(1, sample(60:300, 1), outer(runif(rows, 0.3, 1), runif(columns, 0.3, 1))), rows)
    if (all(counts > 0) && min(chisq.test(counts)$expected) >= 5) break
  }
  give(case, rows = rows, counts = counts)
  chi <- chisq.test(counts, correct = FALSE)
  take(case, "chisq.test, correct = FALSE", chi_square = chi$statistic, chi_p = chi$p.value)
}
for (i in 1:200) {                     # ranks without ties
  case <- number("ranks", i)
  a <- round(rnorm(sample(2:24, 1)), 5); b <- round(rnorm(sample(2:24, 1)) + 0.6, 5)
  give(case, a = a, b = b)
  if (!anyDuplicated(c(a, b))) take(case, "wilcox.test", u_exact_p = wilcox.test(a, b, exact = TRUE)$p.value)
}
write_ <- function(table, name) {
  file <- gzfile(file.path(folder, name), "w"); write.csv(table, file, row.names = FALSE, quote = FALSE); close(file)
}
write_(do.call(rbind, inputs), "r_statistics_inputs.csv.gz")
table <- do.call(rbind, values); table$source <- gsub(",", ";", table$source)
write_(table, "r_statistics.csv.gz")
