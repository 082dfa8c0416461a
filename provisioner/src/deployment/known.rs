//! What AWS has, as far as a file can be judged by it.

/// The regions that can serve: they have Aurora global databases, Step Functions, API Gateway and three zones.
pub(super) const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// The retentions that CloudWatch Logs has, in days.
pub(super) const LOG_RETENTIONS: &[u32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/// The zones in which a platform cannot be: they lack Lambda, and some of the interface endpoints.
pub(crate) const UNFIT_ZONES: &[&str] = &["use1-az3"];

/// What the ids of a region's zones begin with: `use1` for `us-east-1`.
pub(super) fn zone_prefix(region: &str) -> String {
    let short = |word| match word {
        "gov" => "g",
        "north" => "n",
        "south" => "s",
        "east" => "e",
        "west" => "w",
        "central" => "c",
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        other => other,
    };
    region.split('-').map(short).collect()
}
