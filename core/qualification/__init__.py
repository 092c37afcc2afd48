"""Whether a camera has shown, with these modalities, that its verdicts may count."""
