//! The package on ministack, which starts it with a Runtime API of its own.

use aws_config::BehaviorVersion;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, Runtime};
use serde_json::Value;
use understudy_policies::model::RegionName;
use understudy_provisioner::aws::Connections;
use understudy_provisioner::templates::package;

use crate::emulator::Emulator;
use crate::{HANDLERS, expected};

const CREDENTIALS: &str = "[default]\naws_access_key_id = test\naws_secret_access_key = test\n";

#[tokio::test]
async fn every_function_answers_on_an_emulator() {
    let emulator = Emulator::ministack();
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Credentials, CREDENTIALS)
        .build();
    let loader = aws_config::defaults(BehaviorVersion::latest()).profile_files(files);
    let aws = Connections::from_loader(loader, Some(emulator.url().as_str())).await;
    let lambda = aws.lambda(&RegionName::new("us-east-2").unwrap());
    let package = package::functions().unwrap();
    for handler in HANDLERS {
        let code = FunctionCode::builder().zip_file(Blob::new(package.bytes)).build();
        let create = lambda
            .create_function()
            .function_name(handler)
            .runtime(Runtime::Providedal2023)
            .handler(handler)
            .architectures(package.architecture.name().into())
            .role("arn:aws:iam::000000000000:role/functions")
            .code(code);
        create.send().await.unwrap();
        let (fails, body) = expected(handler);
        // More than once: the second one is answered by the process that answered the first.
        for payload in ["{}", "{\"Records\":[]}", "\"text\""] {
            let invoke = lambda.invoke().function_name(handler).payload(Blob::new(payload));
            let answer = invoke.send().await.unwrap();
            let says: Value = serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap();
            assert_eq!(says, body, "{handler}");
            assert_eq!(answer.function_error().is_some(), fails, "{handler}");
        }
    }
}
