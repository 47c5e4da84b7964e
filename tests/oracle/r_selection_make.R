# The reference values of r_selection.csv and their inputs, r_selection_inputs.csv.
#   Rscript tests/oracle/r_selection_make.R tests/oracle
# R 4.2.2, caret 6.0-93, glmnet 4.1-6 (Debian: r-base-core r-cran-caret r-cran-glmnet).
suppressPackageStartupMessages({ library(caret); library(glmnet) })
options(warn = -1, digits = 17)
folder <- commandArgs(trailingOnly = TRUE)[1]
inputs <- list(); values <- list()
give <- function(.case, ...) {
  arrays <- list(...)
  for (name in names(arrays)) inputs[[length(inputs) + 1]] <<-
    data.frame(case = .case, name = name, values = paste(sprintf("%.12g", c(arrays[[name]])), collapse = " "))
}
take <- function(case, name, found) values[[length(values) + 1]] <<-
  data.frame(case = case, name = name, values = paste(sprintf("%.16g", as.numeric(found)), collapse = " "))

set.seed(20260102)
for (i in 1:12) {                       # elastic net: wide, tall, related columns, a constant one
  case <- sprintf("glmnet%02d", i)
  n <- sample(30:90, 1); p <- sample(c(5, 20, 60), 1)
  base <- matrix(rnorm(n * 3), n)
  x <- round(base %*% matrix(rnorm(3 * p), 3) + matrix(rnorm(n * p), n) * 0.8, 6)
  x <- sweep(x, 2, 10^runif(p, -2, 2), "*"); x <- signif(x, 10)
  if (i %% 4 == 0) x[, 2] <- 3
  y <- rbinom(n, 1, plogis(1.5 * base[, 1])); y[1:2] <- 0:1
  mix <- c(1, 0.5, 0.25)[1 + i %% 3]
  lambda <- c(0.3, 0.1, 0.03) / mix * 0.5
  fit <- glmnet(x, y, family = "binomial", alpha = mix, lambda = lambda, thresh = 1e-16, maxit = 1e7)
  give(case, x = t(x), y = y, mix = mix, lambda = lambda)
  take(case, "coefficients", as.matrix(fit$beta)); take(case, "intercepts", fit$a0)
}
for (i in 1:30) {                       # near-zero variance: counts of all kinds
  case <- sprintf("caret%02d", i)
  n <- sample(20:120, 1)
  x <- switch(1 + i %% 5, round(rnorm(n), 1), rbinom(n, 1, 0.04), rep(1, n), sample(0:2, n, TRUE, c(0.94, 0.03, 0.03)),
              c(rep(0, n - 3), 1, 2, 3))
  give(case, x = x)
  found <- nearZeroVar(matrix(x), freqCut = 95 / 5, uniqueCut = 10, saveMetrics = TRUE)
  take(case, "dropped", found$nzv)
}
write.csv(do.call(rbind, inputs), file.path(folder, "r_selection_inputs.csv"), row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, values), file.path(folder, "r_selection.csv"), row.names = FALSE, quote = FALSE)
