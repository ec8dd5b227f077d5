await Bank.Web.BankPage.Build(args).RunAsync();
