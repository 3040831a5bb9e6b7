-- What each PSP calls a customer. A PSP's customer belongs to one customer of ours only.
CREATE TABLE customer_links (
    project_id               TEXT NOT NULL,
    customer_id              TEXT NOT NULL,
    gateway_configuration_id TEXT NOT NULL,
    ref                      TEXT NOT NULL,
    doc                      TEXT NOT NULL,
    PRIMARY KEY (project_id, customer_id, gateway_configuration_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX customer_links_by_ref ON customer_links (gateway_configuration_id, ref);

-- Which token stands for a method that a PSP has saved.
CREATE INDEX mappings_by_method ON mappings (project_id, gateway_configuration_id, json_extract(doc, '$.method_ref'))
    WHERE json_extract(doc, '$.method_ref') IS NOT NULL;
