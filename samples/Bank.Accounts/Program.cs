await Bank.Accounts.AccountsService.Build(args).RunAsync();
