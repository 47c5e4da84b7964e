"""The catalogue of features: name, family, IBSI tag, unit, and PyRadiomics' departures from IBSI.

Names, families and order are those of PyRadiomics 3.0.1, so that a column here is a column there. Tags are those of
the IBSI reference values (Zwanenburg et al. 2020, doi 10.1148/radiol.2020191145); a texture tag is the stem, to which
IBSI appends the aggregation: ``cm_contrast`` + ``_3D_avg``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from radstudy.errors import UsageError

PYRADIOMICS, IBSI, BY_HAND = "pyradiomics", "ibsi", "by hand"


@dataclass(frozen=True)
class Feature:
    """One feature.

    Parameters
    ----------
    name : PyRadiomics' name, without image type and family.
    family : firstorder, shape, shape2D, glcm, glrlm, glszm, gldm or ngtdm.
    ibsi_tag : the IBSI tag (for textures its stem); "" if IBSI does not define the feature.
    unit : of the value; "intensity" is the image's own unit, "level" the number of a grey-level bin, "" none.
    departs : a description of how PyRadiomics' value differs from IBSI's; "" if it does not.
    by_default : False for features that PyRadiomics marks as deprecated and computes only when named.
    slot : of a texture feature, the name of its value among those that the family's kernel returns
        (`radstudy.features.kernels.formulas`); "" if it is computed otherwise.
    formula : of the value that `radstudy.extract` gives, in LaTeX; its letters are explained in `SYMBOLS`.
    reference : the source of its value, which a test checks: "pyradiomics" (tests/oracle/pyradiomics_classes.csv),
        "ibsi" (the published reference values) or "by hand" (tests/unit/features/by_hand.csv).
    """

    name: str
    family: str
    ibsi_tag: str = ""
    unit: str = ""
    departs: str = ""
    by_default: bool = True
    slot: str = ""
    formula: str = ""
    reference: str = PYRADIOMICS

    @property
    def ibsi_code(self) -> str:
        """The four characters by which IBSI and DICOM (coding scheme IBSI) know the feature; "" if IBSI does not."""
        return IBSI_CODES[self.ibsi_tag] if self.ibsi_tag else ""


_CODES = """
    morph_volume RNU0 morph_vol_approx YEKZ morph_area_mesh C0JK morph_av 2PR5 morph_comp_1 SKGS morph_comp_2 BQWJ
    morph_sph_dispr KRCK morph_sphericity QCFX morph_diam L0JK morph_pca_maj_axis TDIC morph_pca_min_axis P9VJ
    morph_pca_least_axis 7J51 morph_pca_elongation Q3CK morph_pca_flatness N17B
    stat_mean Q4LE stat_var ECT3 stat_skew KE2A stat_kurt IPH6 stat_median Y12H stat_min 1GSF stat_p10 QG58
    stat_p90 8DWT stat_max 84IY stat_iqr SALO stat_range 2OJQ stat_mad 4FUA stat_rmad 1128 stat_energy N8CA
    stat_rms 5ZWQ
    ih_entropy TLU2 ih_uniformity BJ5W
    cm_joint_max GYBY cm_joint_avg 60VM cm_joint_var UR99 cm_joint_entr TU9B cm_diff_avg TF7R cm_diff_var D3YU
    cm_diff_entr NTRS cm_sum_avg ZGXS cm_sum_entr P6QZ cm_energy 8ZQL cm_contrast ACUI cm_inv_diff IB1Z
    cm_inv_diff_norm NDRX cm_inv_diff_mom WF0Z cm_inv_diff_mom_norm 1QCO cm_inv_var E8JP cm_corr NI2N cm_auto_corr
    QWB0 cm_clust_tend DG8W cm_clust_shade 7NFM cm_clust_prom AE86 cm_info_corr1 R8DG cm_info_corr2 JN9H
    rlm_sre 22OV rlm_lre W4KF rlm_lgre V3SW rlm_hgre G3QZ rlm_srlge HTZT rlm_srhge GD3A rlm_lrlge IVPO rlm_lrhge
    3KUM rlm_glnu R5YN rlm_glnu_norm OVBL rlm_rlnu W92Y rlm_rlnu_norm IC23 rlm_r_perc 9ZK5 rlm_gl_var 8CE5
    rlm_rl_var SXLW rlm_rl_entr HJ9O
    szm_sze 5QRC szm_lze 48P8 szm_lgze XMSY szm_hgze 5GN9 szm_szlge 5RAI szm_szhge HW1V szm_lzlge YH51 szm_lzhge
    J17V szm_glnu JNSA szm_glnu_norm Y1RO szm_zsnu 4JP3 szm_zsnu_norm VB3A szm_z_perc P30P szm_gl_var BYLV
    szm_zs_var 3NSA szm_zs_entr GU8N
    ngt_coarseness QCDE ngt_contrast 65HE ngt_busyness NQ30 ngt_complexity HDEZ ngt_strength 1X9X
    ngl_lde SODN ngl_hde IMOQ ngl_lgce TL9H ngl_hgce OAE7 ngl_ldlge EQ3F ngl_ldhge JA6D ngl_hdlge NBZI ngl_hdhge
    9QMG ngl_glnu FP8K ngl_dcnu Z87G ngl_dcnu_norm OKJI ngl_gl_var 1PFV ngl_dc_var DNX2 ngl_dc_entr FCBV
"""  # IBSI reference manual (Zwanenburg et al., arXiv:1612.07003): tag and code in turn
IBSI_CODES = dict(zip(_CODES.split()[::2], _CODES.split()[1::2], strict=True))
"""IBSI tag to its permanent identifier, of all tags in the catalogue."""

_NO_IBSI = "not defined by IBSI"
_BINS = "bins start at a multiple of the bin width, not at the lesion's minimum (or at the set lower bound)"

# name, slot (of a texture kernel's values), IBSI tag, unit, departs
_FIRSTORDER = (
    ("10Percentile", "", "stat_p10", "intensity", ""),
    ("90Percentile", "", "stat_p90", "intensity", ""),
    ("Energy", "", "stat_energy", "intensity^2", "voxel_array_shift is added to every value first"),
    ("Entropy", "", "ih_entropy", "bit", _BINS),
    ("InterquartileRange", "", "stat_iqr", "intensity", ""),
    ("Kurtosis", "", "stat_kurt", "", "not the excess: 3 more than IBSI, but 0 for a flat lesion, as there"),
    ("Maximum", "", "stat_max", "intensity", ""),
    ("MeanAbsoluteDeviation", "", "stat_mad", "intensity", ""),
    ("Mean", "", "stat_mean", "intensity", ""),
    ("Median", "", "stat_median", "intensity", ""),
    ("Minimum", "", "stat_min", "intensity", ""),
    ("Range", "", "stat_range", "intensity", ""),
    ("RobustMeanAbsoluteDeviation", "", "stat_rmad", "intensity", ""),
    ("RootMeanSquared", "", "stat_rms", "intensity", "voxel_array_shift is added to every value first"),
    ("Skewness", "", "stat_skew", "", ""),
    ("StandardDeviation", "", "", "intensity", _NO_IBSI + "; the square root of Variance"),
    ("TotalEnergy", "", "", "intensity^2 mm^3", _NO_IBSI + "; Energy times the volume of a voxel"),
    ("Uniformity", "", "ih_uniformity", "", _BINS),
    ("Variance", "", "stat_var", "intensity^2", ""),
)
_MESH = "marching cubes tables differ on ambiguous cubes, whose mesh may be open"
_AXES = "the covariance is divided by the number of voxels, in IBSI's reference values by one less"
_PLANE = _NO_IBSI + "; between mesh vertices in one plane of the voxel grid"
_SHAPE = (
    ("Compactness1", "", "morph_comp_1", "", _MESH),
    ("Compactness2", "", "morph_comp_2", "", _MESH),
    ("Elongation", "", "morph_pca_elongation", "", ""),
    ("Flatness", "", "morph_pca_flatness", "", ""),
    ("LeastAxisLength", "", "morph_pca_least_axis", "mm", _AXES),
    ("MajorAxisLength", "", "morph_pca_maj_axis", "mm", _AXES),
    ("Maximum2DDiameterColumn", "", "", "mm", _PLANE + " of constant y"),
    ("Maximum2DDiameterRow", "", "", "mm", _PLANE + " of constant x"),
    ("Maximum2DDiameterSlice", "", "", "mm", _PLANE + " of constant z"),
    ("Maximum3DDiameter", "", "morph_diam", "mm", ""),
    ("MeshVolume", "", "morph_volume", "mm^3", _MESH),
    ("MinorAxisLength", "", "morph_pca_min_axis", "mm", _AXES),
    ("SphericalDisproportion", "", "morph_sph_dispr", "", _MESH),
    ("Sphericity", "", "morph_sphericity", "", _MESH),
    ("SurfaceArea", "", "morph_area_mesh", "mm^2", _MESH),
    ("SurfaceVolumeRatio", "", "morph_av", "1/mm", _MESH),
    ("VoxelVolume", "", "morph_vol_approx", "mm^3", ""),
)
_ONE_PLANE = _NO_IBSI + ", which has no shape of one plane"
_SHAPE2D = (
    ("Elongation", "", "", "", _ONE_PLANE),
    ("MajorAxisLength", "", "", "mm", _ONE_PLANE),
    ("MaximumDiameter", "", "", "mm", _ONE_PLANE),
    ("MeshSurface", "", "", "mm^2", _ONE_PLANE),
    ("MinorAxisLength", "", "", "mm", _ONE_PLANE),
    ("Perimeter", "", "", "mm", _ONE_PLANE),
    ("PerimeterSurfaceRatio", "", "", "1/mm", _ONE_PLANE),
    ("PixelSurface", "", "", "mm^2", _ONE_PLANE),
    ("SphericalDisproportion", "", "", "", _ONE_PLANE),
    ("Sphericity", "", "", "", _ONE_PLANE),
)
_GLCM = (
    ("Autocorrelation", "Autocorrelation", "cm_auto_corr", "level^2", _BINS),
    ("ClusterProminence", "ClusterProminence", "cm_clust_prom", "level^4", _BINS),
    ("ClusterShade", "ClusterShade", "cm_clust_shade", "level^3", _BINS),
    ("ClusterTendency", "ClusterTendency", "cm_clust_tend", "level^2", _BINS),
    ("Contrast", "Contrast", "cm_contrast", "level^2", _BINS),
    ("Correlation", "Correlation", "cm_corr", "", _BINS + "; 1 for a flat direction, where IBSI's formula is 0 / 0"),
    ("DifferenceAverage", "DifferenceAverage", "cm_diff_avg", "level", _BINS),
    ("DifferenceEntropy", "DifferenceEntropy", "cm_diff_entr", "bit", _BINS),
    ("DifferenceVariance", "DifferenceVariance", "cm_diff_var", "level^2", _BINS),
    ("Id", "Id", "cm_inv_diff", "", _BINS),
    ("Idm", "Idm", "cm_inv_diff_mom", "", _BINS),
    ("Idmn", "Idmn", "cm_inv_diff_mom_norm", "", _BINS),
    ("Idn", "Idn", "cm_inv_diff_norm", "", _BINS),
    ("Imc1", "Imc1", "cm_info_corr1", "", _BINS),
    ("Imc2", "Imc2", "cm_info_corr2", "", _BINS),
    ("InverseVariance", "InverseVariance", "cm_inv_var", "1/level^2", _BINS),
    ("JointAverage", "JointAverage", "cm_joint_avg", "level", _BINS),
    ("JointEnergy", "JointEnergy", "cm_energy", "", _BINS),
    ("JointEntropy", "JointEntropy", "cm_joint_entr", "bit", _BINS),
    ("MCC", "", "", "", _NO_IBSI),
    ("MaximumProbability", "MaximumProbability", "cm_joint_max", "", _BINS),
    ("SumAverage", "SumAverage", "cm_sum_avg", "level", _BINS),
    ("SumEntropy", "SumEntropy", "cm_sum_entr", "bit", _BINS),
    ("SumSquares", "SumSquares", "cm_joint_var", "level^2", _BINS),
)
_RUN_DIRECTIONS = _BINS + "; a direction in which no line holds two lesion voxels is left out"
_GLRLM = (
    ("GrayLevelNonUniformity", "GreyNonUniformity", "rlm_glnu", "", _RUN_DIRECTIONS),
    ("GrayLevelNonUniformityNormalized", "GreyNonUniformityNormalised", "rlm_glnu_norm", "", _RUN_DIRECTIONS),
    ("GrayLevelVariance", "GreyVariance", "rlm_gl_var", "level^2", _RUN_DIRECTIONS),
    ("HighGrayLevelRunEmphasis", "HighGrey", "rlm_hgre", "level^2", _RUN_DIRECTIONS),
    ("LongRunEmphasis", "Large", "rlm_lre", "", _RUN_DIRECTIONS),
    ("LongRunHighGrayLevelEmphasis", "LargeHighGrey", "rlm_lrhge", "level^2", _RUN_DIRECTIONS),
    ("LongRunLowGrayLevelEmphasis", "LargeLowGrey", "rlm_lrlge", "1/level^2", _RUN_DIRECTIONS),
    ("LowGrayLevelRunEmphasis", "LowGrey", "rlm_lgre", "1/level^2", _RUN_DIRECTIONS),
    ("RunEntropy", "Entropy", "rlm_rl_entr", "bit", _RUN_DIRECTIONS),
    ("RunLengthNonUniformity", "SizeNonUniformity", "rlm_rlnu", "", _RUN_DIRECTIONS),
    ("RunLengthNonUniformityNormalized", "SizeNonUniformityNormalised", "rlm_rlnu_norm", "", _RUN_DIRECTIONS),
    ("RunPercentage", "Percentage", "rlm_r_perc", "", _RUN_DIRECTIONS),
    ("RunVariance", "SizeVariance", "rlm_rl_var", "", _RUN_DIRECTIONS),
    ("ShortRunEmphasis", "Small", "rlm_sre", "", _RUN_DIRECTIONS),
    ("ShortRunHighGrayLevelEmphasis", "SmallHighGrey", "rlm_srhge", "level^2", _RUN_DIRECTIONS),
    ("ShortRunLowGrayLevelEmphasis", "SmallLowGrey", "rlm_srlge", "1/level^2", _RUN_DIRECTIONS),
)
_GLSZM = (
    ("GrayLevelNonUniformity", "GreyNonUniformity", "szm_glnu", "", _BINS),
    ("GrayLevelNonUniformityNormalized", "GreyNonUniformityNormalised", "szm_glnu_norm", "", _BINS),
    ("GrayLevelVariance", "GreyVariance", "szm_gl_var", "level^2", _BINS),
    ("HighGrayLevelZoneEmphasis", "HighGrey", "szm_hgze", "level^2", _BINS),
    ("LargeAreaEmphasis", "Large", "szm_lze", "", _BINS),
    ("LargeAreaHighGrayLevelEmphasis", "LargeHighGrey", "szm_lzhge", "level^2", _BINS),
    ("LargeAreaLowGrayLevelEmphasis", "LargeLowGrey", "szm_lzlge", "1/level^2", _BINS),
    ("LowGrayLevelZoneEmphasis", "LowGrey", "szm_lgze", "1/level^2", _BINS),
    ("SizeZoneNonUniformity", "SizeNonUniformity", "szm_zsnu", "", _BINS),
    ("SizeZoneNonUniformityNormalized", "SizeNonUniformityNormalised", "szm_zsnu_norm", "", _BINS),
    ("SmallAreaEmphasis", "Small", "szm_sze", "", _BINS),
    ("SmallAreaHighGrayLevelEmphasis", "SmallHighGrey", "szm_szhge", "level^2", _BINS),
    ("SmallAreaLowGrayLevelEmphasis", "SmallLowGrey", "szm_szlge", "1/level^2", _BINS),
    ("ZoneEntropy", "Entropy", "szm_zs_entr", "bit", _BINS),
    ("ZonePercentage", "Percentage", "szm_z_perc", "", _BINS),
    ("ZoneVariance", "SizeVariance", "szm_zs_var", "", _BINS),
)
_GLDM = (
    ("DependenceEntropy", "Entropy", "ngl_dc_entr", "bit", _BINS),
    ("DependenceNonUniformity", "SizeNonUniformity", "ngl_dcnu", "", _BINS),
    ("DependenceNonUniformityNormalized", "SizeNonUniformityNormalised", "ngl_dcnu_norm", "", _BINS),
    ("DependenceVariance", "SizeVariance", "ngl_dc_var", "", _BINS),
    ("GrayLevelNonUniformity", "GreyNonUniformity", "ngl_glnu", "", _BINS),
    ("GrayLevelVariance", "GreyVariance", "ngl_gl_var", "level^2", _BINS),
    ("HighGrayLevelEmphasis", "HighGrey", "ngl_hgce", "level^2", _BINS),
    ("LargeDependenceEmphasis", "Large", "ngl_hde", "", _BINS),
    ("LargeDependenceHighGrayLevelEmphasis", "LargeHighGrey", "ngl_hdhge", "level^2", _BINS),
    ("LargeDependenceLowGrayLevelEmphasis", "LargeLowGrey", "ngl_hdlge", "1/level^2", _BINS),
    ("LowGrayLevelEmphasis", "LowGrey", "ngl_lgce", "1/level^2", _BINS),
    ("SmallDependenceEmphasis", "Small", "ngl_lde", "", _BINS),
    ("SmallDependenceHighGrayLevelEmphasis", "SmallHighGrey", "ngl_ldhge", "level^2", _BINS),
    ("SmallDependenceLowGrayLevelEmphasis", "SmallLowGrey", "ngl_ldlge", "1/level^2", _BINS),
)
_NEIGHBOURLESS = _BINS + "; a voxel without a neighbour in the lesion counts, with difference 0"
_NGTDM = (
    ("Busyness", "Busyness", "ngt_busyness", "", _NEIGHBOURLESS),
    ("Coarseness", "Coarseness", "ngt_coarseness", "", _NEIGHBOURLESS),
    ("Complexity", "Complexity", "ngt_complexity", "", _NEIGHBOURLESS),
    ("Contrast", "Contrast", "ngt_contrast", "", _NEIGHBOURLESS),
    ("Strength", "Strength", "ngt_strength", "", _NEIGHBOURLESS),
)
_DEPRECATED = {
    ("firstorder", "StandardDeviation"),
    ("shape", "Compactness1"),
    ("shape", "Compactness2"),
    ("shape", "SphericalDisproportion"),
    ("shape2D", "SphericalDisproportion"),
}

_REFERENCES: dict[tuple[str, str], str] = {}  # (family, name): IBSI or BY_HAND, for features that PyRadiomics lacks

# Formulas of the values of `radstudy.extract`, in LaTeX; their letters are explained in `SYMBOLS`. Run length, zone
# size and dependence matrices share theirs, under the name of their slot.
_OF_SIZES = {
    "GreyNonUniformity": r"\frac{1}{N} \sum_i \left( \sum_s P(i, s) \right)^2",
    "GreyNonUniformityNormalised": r"\frac{1}{N^2} \sum_i \left( \sum_s P(i, s) \right)^2",
    "GreyVariance": r"\sum_i \sum_s p(i, s) (i - \mu_i)^2, \quad \mu_i = \sum_i \sum_s i \, p(i, s)",
    "HighGrey": r"\sum_i \sum_s i^2 \, p(i, s)",
    "Large": r"\sum_i \sum_s s^2 \, p(i, s)",
    "LargeHighGrey": r"\sum_i \sum_s i^2 s^2 \, p(i, s)",
    "LargeLowGrey": r"\sum_i \sum_s \frac{s^2}{i^2} \, p(i, s)",
    "LowGrey": r"\sum_i \sum_s \frac{p(i, s)}{i^2}",
    "Entropy": r"- \sum_i \sum_s p(i, s) \log_2 \left( p(i, s) + \epsilon \right)",
    "SizeNonUniformity": r"\frac{1}{N} \sum_s \left( \sum_i P(i, s) \right)^2",
    "SizeNonUniformityNormalised": r"\frac{1}{N^2} \sum_s \left( \sum_i P(i, s) \right)^2",
    "Percentage": r"\frac{N}{N_v}",
    "SizeVariance": r"\sum_i \sum_s p(i, s) (s - \mu_s)^2, \quad \mu_s = \sum_i \sum_s s \, p(i, s)",
    "Small": r"\sum_i \sum_s \frac{p(i, s)}{s^2}",
    "SmallHighGrey": r"\sum_i \sum_s \frac{i^2}{s^2} \, p(i, s)",
    "SmallLowGrey": r"\sum_i \sum_s \frac{p(i, s)}{i^2 s^2}",
}
_AXIS = r"4 \sqrt{\lambda_{\mathrm{%s}}}"
_LONGEST = r"\max_{j, k} \left\| q_j - q_k \right\|"
_FORMULAS: dict[str, dict[str, str]] = {
    "shape": {
        "Compactness1": r"\frac{V}{\sqrt{\pi} \, A^{3/2}}",
        "Compactness2": r"\frac{36 \pi V^2}{A^3}",
        "Elongation": r"\sqrt{\frac{\lambda_{\mathrm{minor}}}{\lambda_{\mathrm{major}}}}",
        "Flatness": r"\sqrt{\frac{\lambda_{\mathrm{least}}}{\lambda_{\mathrm{major}}}}",
        "LeastAxisLength": _AXIS % "least",
        "MajorAxisLength": _AXIS % "major",
        "Maximum2DDiameterColumn": _LONGEST + r", \quad y_j = y_k",
        "Maximum2DDiameterRow": _LONGEST + r", \quad x_j = x_k",
        "Maximum2DDiameterSlice": _LONGEST + r", \quad z_j = z_k",
        "Maximum3DDiameter": _LONGEST,
        "MeshVolume": r"V = \left| \sum_t \frac{a_t \cdot (b_t \times c_t)}{6} \right|",
        "MinorAxisLength": _AXIS % "minor",
        "SphericalDisproportion": r"\frac{A}{\sqrt[3]{36 \pi V^2}}",
        "Sphericity": r"\frac{\sqrt[3]{36 \pi V^2}}{A}",
        "SurfaceArea": r"A = \sum_t \frac{1}{2} \left\| (b_t - a_t) \times (c_t - a_t) \right\|",
        "SurfaceVolumeRatio": r"\frac{A}{V}",
        "VoxelVolume": r"N_v \, v",
    },
    "shape2D": {
        "Elongation": r"\sqrt{\frac{\lambda_{\mathrm{minor}}}{\lambda_{\mathrm{major}}}}",
        "MajorAxisLength": _AXIS % "major",
        "MaximumDiameter": _LONGEST,
        "MeshSurface": r"A = \left| \sum_t \frac{a_t \times b_t}{2} \right|",
        "MinorAxisLength": _AXIS % "minor",
        "Perimeter": r"L = \sum_t \left\| b_t - a_t \right\|",
        "PerimeterSurfaceRatio": r"\frac{L}{A}",
        "PixelSurface": r"N_v \, v",
        "SphericalDisproportion": r"\frac{L}{2 \sqrt{\pi A}}",
        "Sphericity": r"\frac{2 \sqrt{\pi A}}{L}",
    },
    "firstorder": {
        "10Percentile": r"P_{10}",
        "90Percentile": r"P_{90}",
        "Energy": r"\sum_k (x_k + c)^2",
        "Entropy": r"- \sum_i p_i \log_2 \left( p_i + \epsilon \right)",
        "InterquartileRange": r"P_{75} - P_{25}",
        "Kurtosis": r"\frac{m_4}{m_2^2}",
        "Maximum": r"\max_k x_k",
        "MeanAbsoluteDeviation": r"\frac{1}{N_v} \sum_k \left| x_k - \bar{x} \right|",
        "Mean": r"\bar{x} = \frac{1}{N_v} \sum_k x_k",
        "Median": r"P_{50}",
        "Minimum": r"\min_k x_k",
        "Range": r"\max_k x_k - \min_k x_k",
        "RobustMeanAbsoluteDeviation":
            r"\frac{1}{|R|} \sum_{k \in R} \left| x_k - \bar{x}_R \right|, "
            r"\quad R = \{ k : P_{10} \le x_k \le P_{90} \}",
        "RootMeanSquared": r"\sqrt{\frac{1}{N_v} \sum_k (x_k + c)^2}",
        "Skewness": r"\frac{m_3}{m_2^{3/2}}",
        "StandardDeviation": r"\sqrt{m_2}",
        "TotalEnergy": r"v \sum_k (x_k + c)^2",
        "Uniformity": r"\sum_i p_i^2",
        "Variance": r"m_2 = \frac{1}{N_v} \sum_k (x_k - \bar{x})^2",
    },
    "glcm": {
        "Autocorrelation": r"\sum_i \sum_j i j \, p(i, j)",
        "ClusterProminence": r"\sum_i \sum_j (i + j - \mu_x - \mu_y)^4 \, p(i, j)",
        "ClusterShade": r"\sum_i \sum_j (i + j - \mu_x - \mu_y)^3 \, p(i, j)",
        "ClusterTendency": r"\sum_i \sum_j (i + j - \mu_x - \mu_y)^2 \, p(i, j)",
        "Contrast": r"\sum_i \sum_j (i - j)^2 \, p(i, j)",
        "Correlation": r"\frac{\sum_i \sum_j i j \, p(i, j) - \mu_x \mu_y}{\sigma_x \sigma_y}",
        "DifferenceAverage": r"\mu_d = \sum_k k \, p_{x-y}(k)",
        "DifferenceEntropy": r"- \sum_k p_{x-y}(k) \log_2 p_{x-y}(k)",
        "DifferenceVariance": r"\sum_k (k - \mu_d)^2 \, p_{x-y}(k), \quad \mu_d = \sum_k k \, p_{x-y}(k)",
        "Id": r"\sum_k \frac{p_{x-y}(k)}{1 + k}",
        "Idm": r"\sum_k \frac{p_{x-y}(k)}{1 + k^2}",
        "Idmn": r"\sum_k \frac{p_{x-y}(k)}{1 + k^2 / N_g^2}",
        "Idn": r"\sum_k \frac{p_{x-y}(k)}{1 + k / N_g}",
        "Imc1":
            r"\frac{H_{xy} - H_{xy1}}{\max(H_x, H_y)}, "
            r"\quad H_{xy1} = - \sum_i \sum_j p(i, j) \log_2 p_x(i) p_y(j)",
        "Imc2":
            r"\sqrt{1 - e^{-2 (H_{xy2} - H_{xy})}}, \quad H_{xy2} = - \sum_i \sum_j p_x(i) p_y(j) \log_2 p_x(i) p_y(j)",
        "InverseVariance": r"\sum_{k > 0} \frac{p_{x-y}(k)}{k^2}",
        "JointAverage": r"\mu_x = \sum_i \sum_j i \, p(i, j)",
        "JointEnergy": r"\sum_i \sum_j p(i, j)^2",
        "JointEntropy": r"H_{xy} = - \sum_i \sum_j p(i, j) \log_2 p(i, j)",
        "MCC":
            r"\sqrt{\text{second largest eigenvalue of } Q}, "
            r"\quad Q(i, j) = \sum_k \frac{p(i, k) \, p(j, k)}{p_x(i) \, p_y(k)}",
        "MaximumProbability": r"\max_{i, j} p(i, j)",
        "SumAverage": r"\sum_k k \, p_{x+y}(k)",
        "SumEntropy": r"- \sum_k p_{x+y}(k) \log_2 p_{x+y}(k)",
        "SumSquares": r"\sum_i \sum_j (i - \mu_x)^2 \, p(i, j)",
    },
    "ngtdm": {
        "Busyness": r"\frac{\sum_i p_i s_i}{\sum_i \sum_j \left| i p_i - j p_j \right|}",
        "Coarseness": r"\frac{1}{\sum_i p_i s_i}",
        "Complexity": r"\frac{1}{N_v} \sum_i \sum_j \left| i - j \right| \frac{p_i s_i + p_j s_j}{p_i + p_j}",
        "Contrast":
            r"\left( \frac{1}{N (N - 1)} \sum_i \sum_j p_i p_j (i - j)^2 \right)"
            r" \left( \frac{1}{N_v} \sum_i s_i \right)",
        "Strength": r"\frac{\sum_i \sum_j (p_i + p_j) (i - j)^2}{\sum_i s_i}",
    },
}  # fmt: skip

_LEVELS = "i: a grey level. "
SYMBOLS: dict[str, str] = {
    "shape": "a, b, c: the corners of a triangle t of the lesion's mesh. V, A: volume and area of the mesh. "
    "q: its vertices. "
    "\\lambda: the eigenvalues of the covariance of the voxels' centres, divided by their number. "
    "N_v: the number of voxels. v: the volume of one.",
    "shape2D": "a, b: the ends of a segment t of the lesion's outline. A, L: area and length of the outline. "
    "q: its vertices. "
    "\\lambda: the eigenvalues of the covariance of the pixels' centres, divided by their number. "
    "N_v: the number of pixels. v: the area of one.",
    "firstorder": "x_k: the intensity of voxel `k`. N_v: the number of voxels. v: the volume of one. c: the setting "
    "voxelArrayShift. P_q: percentile `q`, linear between ranks. m_n: central moment `n`, divided by `N_v`; a "
    "flat lesion has "
    "skewness and kurtosis 0. p_i: the share of bin `i`. \\epsilon: `2^{-52}`.",
    "glcm": "p(i, j): the share of pairs of neighbours with grey levels `i` and `j`, in one direction; a "
    "value is the mean "
    "over the directions. p_x, p_y: the sums of its rows and columns. p_{x+y}, p_{x-y}: the shares of pairs "
    "with `i + j = k` "
    "and with `|i - j| = k`. \\mu, \\sigma: mean and standard deviation of `p_x` or `p_y`. H_{xy}, H_x, H_y: "
    "the entropies of "
    "`p`, `p_x` and `p_y` in bits. N_g: the highest grey level of the lesion.",
    "glrlm": _LEVELS
    + "s: a length of run. P(i, s): the number of runs, in one direction; `p = P / N`. N: the number of runs. "
    "N_v: the number of voxels. \\epsilon: `2^{-52}`. A value is the mean over the directions.",
    "glszm": _LEVELS
    + "s: a size of zone, in voxels. P(i, s): the number of zones; `p = P / N`. N: the number of zones. "
    "N_v: the number of voxels. \\epsilon: `2^{-52}`.",
    "gldm": _LEVELS + "s: the number of dependent neighbours of a voxel, plus 1. P(i, s): the number of such voxels; "
    "`p = P / N`. N: the number of voxels. \\epsilon: `2^{-52}`.",
    "ngtdm": _LEVELS
    + "p_i: the share of voxels with it. s_i: the sum, over these voxels, of the absolute difference to the "
    "mean of the neighbours. N: the number of levels that occur. N_v: the number of voxels. Where a divisor "
    "is 0 the value "
    "is 0, that of Coarseness `10^6`.",
}
"""Family to the letters in its formulas, in LaTeX (within sentences in backticks)."""


SHAPES = ("shape", "shape2D")
"""Families of the mask alone: computed once, whatever the filters."""
FAMILIES = (*SHAPES, "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")

CATALOGUE: tuple[Feature, ...] = tuple(
    Feature(
        name, family, tag, unit, departs, (family, name) not in _DEPRECATED, slot,
        _FORMULAS[family][name] if family in _FORMULAS else _OF_SIZES[slot],
        _REFERENCES.get((family, name), PYRADIOMICS),
    )
    for family, rows in zip(
        FAMILIES, (_SHAPE, _SHAPE2D, _FIRSTORDER, _GLCM, _GLRLM, _GLSZM, _GLDM, _NGTDM), strict=True
    )
    for name, slot, tag, unit, departs in rows
)  # fmt: skip
"""All features, by family, each family in PyRadiomics' (alphabetical) order."""

_NAMES = {
    family: tuple(feature.name for feature in CATALOGUE if feature.family == family and feature.by_default)
    for family in FAMILIES
}
FEATURES: dict[str, tuple[str, ...]] = {family: _NAMES[family] for family in sorted(FAMILIES) if family != "shape2D"}
"""Family to its features, in PyRadiomics' order of families if a parameter file names none: shape2D must be named."""
_KNOWN = {(feature.family, feature.name): feature for feature in CATALOGUE}


def feature_names(family: str, features: Iterable[str] | None = None) -> tuple[str, ...]:
    """Names of one family's features, in the order in which they are reported.

    Parameters
    ----------
    family : one of `FAMILIES`.
    features : the requested names, in their order; None for all but the deprecated, in PyRadiomics' order.

    Raises
    ------
    UsageError : the family or a name is not in the catalogue.

    Examples
    --------
    >>> feature_names("ngtdm")
    ('Busyness', 'Coarseness', 'Complexity', 'Contrast', 'Strength')
    >>> len(feature_names("glcm")), feature_names("glcm", ["Idn", "Id"])
    (24, ('Idn', 'Id'))
    """
    if family not in _NAMES:
        raise UsageError(f"unknown feature family {family!r}; choose from {', '.join(FAMILIES)}")
    if features is None:
        return _NAMES[family]
    asked = tuple(features)
    unknown = [name for name in asked if (family, name) not in _KNOWN]
    if unknown:
        known = ", ".join(feature.name for feature in CATALOGUE if feature.family == family)
        raise UsageError(f"{family} has no feature {unknown[0]!r}; choose from {known}")
    return asked


def feature(family: str, name: str) -> Feature:
    """The catalogue's entry of one feature.

    Raises
    ------
    UsageError : the feature does not exist.

    Examples
    --------
    >>> feature("firstorder", "Kurtosis").ibsi_tag
    'stat_kurt'
    """
    feature_names(family, (name,))
    return _KNOWN[family, name]
