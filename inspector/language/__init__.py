"""InspectionReport -> text people read."""
