"""How an authority gets connected in the sandbox: CPA register, *CPA aanbieden*, portal for API keys, aansluitteam."""
