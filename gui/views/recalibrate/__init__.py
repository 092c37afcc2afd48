"""The technician's page: adaptation, gate, promotion."""
