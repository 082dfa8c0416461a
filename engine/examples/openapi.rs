//! Prints the document of the operators' API: `docs/openapi.json`.

fn main() {
    println!("{:#}", understudy_engine::service::http::openapi::document());
}
