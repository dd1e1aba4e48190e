"""Facts into something a person or an auditor reads: evidence, its page.

Here: gathering what the catalog recorded, measuring RTO and RPO from it, signing it, drawing it. Not here: deciding (policy) or recording
(catalog). To add a report: a function from records to a model, and a template.
"""
