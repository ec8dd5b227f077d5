await Bank.Transactions.TransactionsService.Build(args).RunAsync();
