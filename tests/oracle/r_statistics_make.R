# The reference values of r_statistics.csv and their inputs, r_statistics_inputs.csv.
#   Rscript tests/oracle/r_statistics_make.R tests/oracle
# R 4.2.2, pROC 1.18.0, psych 2.2.9, nortest 1.0-4 (Debian: r-base-core r-cran-proc r-cran-psych r-cran-nortest).
suppressPackageStartupMessages({ library(pROC); library(psych); library(nortest) })
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
  for (name in names(found)) values[[length(values) + 1]] <<-
    data.frame(case = case, name = name, value = sprintf("%.16g", as.numeric(found[[name]])), source = source)
}
fitted_twice <- function(formula) {       # glm's standard errors lag a step behind its coefficients: start again at them
  exact <- glm.control(epsilon = 1e-14, maxit = 100)
  glm(formula, family = binomial, control = exact, start = coef(glm(formula, family = binomial, control = exact)))
}
outcome <- function(n, positives) sample(c(rep(1, positives), rep(0, n - positives)))

set.seed(20260101)
for (i in 1:40) {                      # ROC curves: continuous, and with ever more ties
  case <- sprintf("roc%02d", i)
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
}
for (i in 1:24) {                      # ICC: subjects by readers, column by column
  case <- sprintf("icc%02d", i)
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
for (i in 1:10) {                      # kappa of two readers' ordered categories
  case <- sprintf("kappa%02d", i)
  n <- sample(20:90, 1); levels <- 2 + i %% 3
  a <- c(1:levels, sample(levels, n, replace = TRUE)); b <- ifelse(runif(n + levels) < 0.6, a, sample(levels, n + levels, replace = TRUE))
  d <- abs(outer(1:levels, 1:levels, "-"))
  give(case, a = a, b = b, levels = levels)
  quadratic <- cohen.kappa(cbind(a, b), w = 1 - d^2 / (levels - 1)^2); linear <- cohen.kappa(cbind(a, b), w = 1 - d / (levels - 1))
  take(case, "psych cohen.kappa", plain = quadratic$kappa, quadratic = quadratic$weighted.kappa, linear = linear$weighted.kappa,
       plain_se = sqrt(quadratic$var.kappa))  # psych 2.2.9 swaps readers in the weighted variance: see the test
}
for (i in 1:60) {                      # tables: 2 x 2 to 3 x 4
  case <- sprintf("table%02d", i)
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
for (i in 1:30) {                      # two groups of a continuous variable
  case <- sprintf("groups%02d", i)
  digits <- c(5, 1)[1 + i %% 2]
  a <- round(rnorm(sample(6:45, 1)), digits); b <- round(rexp(sample(6:30, 1)) * runif(1, 0.5, 2), digits)
  if (i == 30) a <- round(rnorm(150), 4)
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
  take(case, "nortest lillie.test", lilliefors_a = lillie.test(a)$p.value, lilliefors_b = lillie.test(b)$p.value)
  take(case, "anova of deviations from the mean", levene_p = anova(lm(deviation ~ group))[1, "Pr(>F)"])
}
for (i in 1:15) {                      # logistic regression, two variables and a three-level factor
  case <- sprintf("glm%02d", i)
  n <- sample(50:110, 1); x1 <- round(rnorm(n, 50, 10), 2); x2 <- rbinom(n, 1, 0.4); f <- sample(0:2, n, replace = TRUE)
  y <- rbinom(n, 1, plogis((x1 - 50) / 12 + 0.8 * x2 - 0.3)); p <- round(plogis(rnorm(n) + y - 0.4), 6)
  give(case, y = y, x1 = x1, x2 = x2, f = f, p = p)
  fit <- fitted_twice(y ~ x1 + x2); found <- coef(summary(fit))
  factor_fit <- fitted_twice(y ~ factor(f)); null <- fitted_twice(y ~ 1)
  added <- fitted_twice(y ~ x1 + x2 + factor(f))
  take(case, "glm", b0 = found[1, 1], b1 = found[2, 1], b2 = found[3, 1], se0 = found[1, 2], se1 = found[2, 2], se2 = found[3, 2],
       p1 = found[2, 4], p2 = found[3, 4], log_likelihood = logLik(fit),
       factor_p = anova(null, factor_fit, test = "LRT")[2, "Pr(>Chi)"], added_p = anova(fit, added, test = "LRT")[2, "Pr(>Chi)"])
  slope <- coef(summary(fitted_twice(y ~ qlogis(p))))
  large <- coef(summary(fitted_twice(y ~ 1 + offset(qlogis(p)))))
  take(case, "glm of logit(p)", slope = slope[2, 1], slope_se = slope[2, 2], intercept = large[1, 1], intercept_se = large[1, 2])
}
for (i in 1:20) {                      # proportions
  case <- sprintf("proportion%02d", i)
  n <- sample(1:60, 1); x <- c(0, n, sample(0:n, 1))[1 + i %% 3]
  give(case, x = x, n = n)
  wilson <- prop.test(x, n, correct = FALSE)$conf.int; exact <- binom.test(x, n)$conf.int
  take(case, "prop.test, correct = FALSE", wilson_low = wilson[1], wilson_high = wilson[2])
  take(case, "binom.test", exact_low = exact[1], exact_high = exact[2])
}
for (i in 1:5) {                       # adjusted p-values
  case <- sprintf("adjust%02d", i); p <- round(runif(10)^2, 3)
  give(case, p = p)
  adjusted <- c(p.adjust(p, "holm"), p.adjust(p, "BH"))
  names(adjusted) <- paste0(rep(c("holm", "bh"), each = 10), rep(0:9, 2))
  do.call(take, c(list(case, "p.adjust"), as.list(adjusted)))
}
write.csv(do.call(rbind, inputs), file.path(folder, "r_statistics_inputs.csv"), row.names = FALSE, quote = FALSE)
table <- do.call(rbind, values); table$source <- gsub(",", ";", table$source)
write.csv(table, file.path(folder, "r_statistics.csv"), row.names = FALSE, quote = FALSE)
